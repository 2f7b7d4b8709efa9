import type { Logger } from '../core/log.ts'
import type { Events } from './alarms/events.ts'
import { credentialName } from './credentials/credential.ts'
import { type Held, replacedIn, type State } from './onboarding/machine.ts'
import type { Archived } from './onboarding/operations.ts'

/** What happened to the identity of this box; every event passes here, with a constant message and fields. */
export interface Audit {
  onboarded(held: Held): void
  rotated(held: Held): void
  /** The credential in use before goes on being used. */
  rotationFailed(held: Held, reason: string): void
  /** The hub takes none of the known credentials, though their time is not over: it was offboarded there. */
  offboarded(held: Held, reason: string): void
  needsOnboarding(held: Held, reason: string): void
  /** What `former` had collected and not delivered was set aside, and is delivered nowhere. */
  identityReplaced(former: Held, archived: Archived): void
}

export function createAudit(log: Logger, note: Events['note'] = () => {}): Audit {
  const of = ({ home: { tenant, agentId, profile }, active }: Held) => ({
    tenant,
    agentId,
    profile,
    credential: credentialName(active.proof),
    expiresAt: active.expiresAt,
  })
  return {
    onboarded(held) {
      log.info(of(held), 'onboarded')
      note('onboarded', `the box is agent ${held.home.agentId} of tenant ${held.home.tenant}`)
    },
    rotated(held) {
      log.info(of(held), 'credential rotated')
      note('credential_rotated', 'the credential of the box was followed by another')
    },
    rotationFailed(held, reason) {
      log.warn({ ...of(held), reason }, 'credential rotation failed')
      note('rotation_failed', `the credential of the box could not be renewed: ${reason}`)
    },
    offboarded(held, reason) {
      log.warn({ ...of(held), reason }, 'offboarded at the hub')
      note('offboarded', `the hub has offboarded the box: ${reason}`)
    },
    needsOnboarding: (held, reason) => log.warn({ ...of(held), reason }, 'onboarding needed'),
    identityReplaced(former, archived) {
      log.warn({ ...of(former), ...archived }, 'identity replaced')
      note('identity_replaced', `the box was agent ${former.home.agentId} of tenant ${former.home.tenant}`)
    },
  }
}

/** A change of the identity's state, as it is on disk. */
export interface Change {
  before: State
  after: State
  /** Why the hub refused, where it did. */
  trouble: string | undefined
  /** What was set aside last. */
  archived: Archived | undefined
  /** The hub's time. */
  now: number
}

/** Says which event a change was. That onboarding is needed is said once, not with each further attempt. */
export function changesTo(audit: Audit, first: State): (change: Change) => void {
  let needed = first.at === 'needs-onboarding'
  return ({ before, after, trouble = '', archived, now }) => {
    if (after.at === 'onboarded') {
      needed = false
      const replaced = before.at === 'onboarding' ? replacedIn(before) : undefined
      if (replaced && archived) audit.identityReplaced(replaced.former, archived)
      if (before.at === 'onboarding') audit.onboarded(after)
      if (before.at === 'rotating' && after.rotatedAt !== before.rotatedAt) audit.rotated(after)
      else if (before.at === 'rotating') audit.rotationFailed(after, trouble)
    }
    if (after.at !== 'needs-onboarding' || needed) return
    needed = true
    if (before.at === 'rotating') audit.rotationFailed(after, after.reason)
    if (now < after.active.expiresAt) audit.offboarded(after, after.reason)
    audit.needsOnboarding(after, after.reason)
  }
}
