import { systemClock } from '../../core/clock.ts'
import { callControl, controlSocket } from '../../core/control.ts'
import { type Diagnosis, diagnose, worstFirst } from '../../core/diagnosis.ts'
import { EdgeError } from '../../core/errors.ts'
import { createLog } from '../../core/log.ts'
import { becomeOwner, type PlaceOptions, resolveConfigFile, resolvePlaces } from '../places.ts'
import { readConfiguration } from './configuration.ts'
import { daemonChecks } from './daemon.ts'
import { stateChecks } from './state.ts'

/** Leaves room within 10 s for the start of the command itself on a small box. */
const limitMs = 8_000

/** Looks at the gateway from outside, whatever state it is in, and changes nothing. Worst finding first. */
export async function examineGateway(
  options: PlaceOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Diagnosis[]> {
  const isRoot = process.getuid?.() === 0
  const places = resolvePlaces('gateway', options, env, isRoot)
  const configured = readConfiguration({ file: resolveConfigFile(options, env, isRoot), env })
  becomeOwner(places) // what the daemon may not do, we must not be able to do either
  const { network, config } = configured
  const ask = async (operation: string, signal: AbortSignal) => {
    const answer = await callControl(controlSocket(places), operation, {}, signal)
    if (!answer) throw new DaemonGone()
    return answer.result
  }
  const { agentChecks } = await import('../../agent/index.ts') // much, and for no other command
  const checks = [
    configured.check,
    ...stateChecks(places),
    ...daemonChecks(places),
    ...agentChecks(
      { network, clock: systemClock, log: createLog(config.log.level), ask },
      { stateDir: places.stateDir, isProxied: config.proxy.url !== undefined },
    ),
  ]
  return worstFirst(await diagnose(checks, { clock: systemClock, limitMs }))
}

class DaemonGone extends EdgeError {
  override readonly name = 'DaemonGone'
  readonly code = 'daemon_gone'
  override readonly cure = 'Look again, and see its log.'

  constructor() {
    super('the daemon ended while it was asked')
  }
}
