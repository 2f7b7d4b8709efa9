import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { Check } from '../../core/diagnosis.ts'
import type { Logger } from '../../core/log.ts'
import type { Network } from '../../core/net/index.ts'
import { holding } from '../onboarding/machine.ts'
import { cardChecks } from './card.ts'
import { hubChecks } from './hub.ts'
import { createHubProbe, type HubProbe } from './hub-probe.ts'
import { identityChecks } from './identity.ts'
import { type Ask, liveChecks } from './live.ts'
import { readStored } from './stored.ts'
import { timeServiceCheck } from './time-service.ts'
import { readWayOut } from './way-out.ts'

export interface AgentChecksDeps {
  network: Network
  clock: Clock
  log: Logger
  ask: Ask
}

export interface AgentChecksConfig {
  stateDir: string
  /** Outgoing connections go through an HTTP proxy. */
  isProxied: boolean
  /** `/etc`, `/proc` and `/sys`. */
  etc: string
  proc: string
  sys: string
}

/**
 * Looks at the identity, the way to the hub and the delivery, from outside of the daemon: at files and
 * network itself, so that it works while no daemon runs or a hung one does, and asks the daemon only
 * for what nobody else knows. Changes nothing.
 */
export function agentChecks(
  { network, clock, log, ask }: AgentChecksDeps,
  { stateDir, isProxied, etc, proc, sys }: AgentChecksConfig,
): Check[] {
  const stored = readStored(join(stateDir, 'identity'), log)
  stored.catch(() => {}) // the check of the identity says it
  const home = async () => {
    const state = (await stored.catch(() => undefined))?.state
    return state === undefined || state.at === 'unboarded' ? undefined : state.home
  }
  const isOnboarded = async () => holding((await stored).state) !== undefined
  let probed: HubProbe | undefined
  const probe = async () => {
    const known = await home()
    if (!known) throw new Error('no hub is known')
    probed ??= createHubProbe({ network, clock }, known)
    return probed
  }
  const now = async (signal: AbortSignal) => {
    const offsetMs = (await home()) && (await (await probe()).clockOffsetMs(signal))
    return clock.now() + (offsetMs ?? 0)
  }
  return [
    ...identityChecks({ stored: () => stored, now }),
    ...hubChecks({ home, probe, network, clock, isProxied, wayOut: () => readWayOut(etc, proc) }),
    ...liveChecks({ ask, isOnboarded, clock }),
    ...cardChecks({ path: stateDir, sys }),
    timeServiceCheck,
  ]
}
