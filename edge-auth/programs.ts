import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import { createApps } from './apps/apps.ts'
import { createCheckAssertion } from './apps/assertion.ts'
import { createAuthenticateClient } from './apps/client.ts'
import { createAppHealth } from './apps/health.ts'
import { createAppPasswords } from './apps/passwords.ts'
import { createTechnicalTokens } from './apps/technical-tokens.ts'
import type { Audit } from './audit/audit.ts'
import { createGates } from './guard/gates.ts'
import { createHubLinks } from './hub-links/hub-links.ts'
import type { PrivateTokens } from './kv/index.ts'
import { keepTokensOfApps } from './kv/of-apps.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { Store } from './store/index.ts'
import type { Tokens } from './tokens/tokens.ts'

export interface ProgramsDeps {
  store: Store
  clock: Clock
  random: Random
  audit: Audit
  log: Logger
  sessionTime(): number
  tokens: Tokens
  sessions: Pick<Sessions, 'boxEpoch'>
  kv: PrivateTokens
}

/** Apps, how they show who they are, and what is kept of them and for them. */
export async function createPrograms(deps: ProgramsDeps) {
  const { store, clock, random, audit, log, sessionTime, tokens, sessions, kv } = deps
  const apps = createApps({ store, clock, random, audit, log, sessionTime })
  const health = createAppHealth({ clock })
  apps.onChange((clientId) => {
    if (!apps.find(clientId)) health.forget(clientId)
  })
  const boxEpoch = () => sessions.boxEpoch
  const technical = createTechnicalTokens({ store, apps, tokens, audit, sessionTime, boxEpoch })
  await keepTokensOfApps({ apps, log }, kv)
  const checkAssertion = createCheckAssertion({ apps, clock, store, sessionTime })
  return {
    ...{ apps, health, technical },
    authenticateClient: createAuthenticateClient(apps, checkAssertion),
    appPasswords: createAppPasswords({ apps, tokens, technical, clock }),
    hubLinks: createHubLinks({ store, apps, audit }),
    gates: createGates({ store, audit, apps }),
  }
}
