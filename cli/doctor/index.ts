import { systemClock } from '../../core/clock.ts'
import { callControl, controlSocket } from '../../core/control.ts'
import { type Check, type Diagnosis, diagnose, worstFirst } from '../../core/diagnosis.ts'
import { EdgeError } from '../../core/errors.ts'
import { createLog } from '../../core/log.ts'
import type { Places } from '../../main.ts'
import { becomeOwner, type PlaceOptions, resolveConfigFile, resolvePlaces } from '../places.ts'
import { authChecks } from './auth.ts'
import { brokerCheck } from './broker.ts'
import { certificatesCheck } from './certificates.ts'
import { type Configured, readConfiguration } from './configuration.ts'
import { daemonChecks, ownerCheck } from './daemon.ts'
import { createDaemonView, type DaemonView } from './daemon-view.ts'
import { speedCheck } from './disk-speed.ts'
import { frontChecks } from './front.ts'
import { limitChecks } from './limits.ts'
import { memoryCheck } from './memory.ts'
import { type Pki, readPki } from './pki.ts'
import { portsCheck, type TakenPorts, takenPorts } from './ports.ts'
import { stateChecks } from './state.ts'
import { unitCheck } from './unit.ts'

/** Leaves room within 10 s for the start of the command itself on a small box. */
const limitMs = 8_000

const roots = { etc: '/etc', proc: '/proc', sys: '/sys' }

/** Looks at the gateway from outside, whatever state it is in, and changes nothing. Worst finding first. */
export async function examineGateway(
  options: PlaceOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Diagnosis[]> {
  const isRoot = process.getuid?.() === 0
  const places = resolvePlaces('gateway', options, env, isRoot)
  const configured = readConfiguration({ file: resolveConfigFile(options, env, isRoot), env })
  const ports = await takenPorts(configured.config)
  becomeOwner(places) // what the daemon may not do, we must not be able to do either
  const { network, config } = configured
  const ask = async (operation: string, signal: AbortSignal) => {
    const answer = await callControl(controlSocket(places), operation, {}, signal)
    if (!answer) throw new DaemonGone()
    return answer.result
  }
  const view = createDaemonView(places)
  const { agentChecks } = await import('../../agent/index.ts') // much, and for no other command
  const checks = [
    ...ownChecks({ places, configured, ports, view }),
    ...agentChecks(
      { network, clock: systemClock, log: createLog(config.log.level), ask },
      { stateDir: places.stateDir, isProxied: config.proxy.url !== undefined, ...roots },
    ),
    ...servingChecks({ places, configured, view, ask }),
  ]
  return worstFirst(await diagnose(checks, { clock: systemClock, limitMs }))
}

interface Examined {
  places: Places
  configured: Configured
  view: DaemonView
}

/** What everything else rests on. */
const ownChecks = ({ places, configured, ports, view }: Examined & { ports: TakenPorts }): Check[] => [
  configured.check,
  ...stateChecks(places),
  ownerCheck(places, view),
  portsCheck(ports, configured, view),
  unitCheck(places.stateDir),
  ...daemonChecks(view),
]

/** What the box gives its people and apps, and what the machine gives the box. */
function servingChecks({
  places,
  configured: { config },
  view,
  ask,
}: Examined & { ask(operation: string, signal: AbortSignal): Promise<unknown> }): Check[] {
  const { stateDir, runtimeDir } = places
  let read: Promise<Pki> | undefined
  const pki = () => {
    read ??= readPki(stateDir)
    return read
  }
  const kernel = { view, stateDir, ...roots }
  return [
    certificatesCheck({ stateDir, config: config.certs, pki, clock: systemClock }),
    brokerCheck(view, pki),
    ...authChecks({ places, view, ask }),
    ...frontChecks({ runtimeDir, group: config.auth.proxy_group, pki }),
    memoryCheck(kernel),
    ...limitChecks(kernel),
    speedCheck(stateDir, systemClock),
  ]
}

class DaemonGone extends EdgeError {
  override readonly name = 'DaemonGone'
  readonly code = 'daemon_gone'
  override readonly cure = 'Look again, and see its log.'

  constructor() {
    super('the daemon ended while it was asked')
  }
}
