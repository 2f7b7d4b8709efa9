import type { Membership } from '../identity.ts'
import { mindConnectFarSide } from './mindconnect.ts'
import type { Session, SessionDeps, SessionEvents } from './session.ts'

/** Nobody announces a new configuration over HTTP. */
const configurationIntervalMs = 300_000

/** Exchanges until one fails. */
export async function openMindConnectSession(
  deps: SessionDeps & SessionEvents,
  config: { maxBytes: number; ackTimeoutMs: number },
  { membership, configurationId }: { membership: Membership; configurationId: string },
  signal: AbortSignal,
): Promise<Session> {
  const { identity, clock, onConfiguration } = deps
  await identity.accessToken(signal) // a hub that does not know this box says so now
  onConfiguration(undefined)
  const current = () => deps.configurationId() ?? configurationId
  return {
    farSide: mindConnectFarSide(
      { ...deps, configurationId: current },
      { membership, maxBytes: config.maxBytes, timeoutMs: config.ackTimeoutMs },
    ),
    protocol: 'http',
    async run(over) {
      for (;;) {
        await clock.sleep(configurationIntervalMs, over)
        onConfiguration(undefined)
      }
    },
    async [Symbol.asyncDispose]() {},
  }
}
