import { Conflict, EdgeError, Invalid } from '../core/errors.ts'

/** A boarding configuration that no hub can have written. */
export class BoardingInvalid extends Invalid {
  override readonly code = 'boarding_invalid'

  constructor(faults: readonly string[]) {
    super(`this is not a boarding configuration: ${faults.join('; ')}`, {
      details: faults,
      cure: 'Give the JSON file that "edgeward hub agent boarding ID" or Insights Hub hands out, unchanged.',
    })
  }
}

/** The box stays what it was. */
export class OnboardingRefused extends EdgeError {
  override readonly name = 'OnboardingRefused'
  readonly code = 'onboarding_refused'
  override readonly statusCode = 409
  override readonly exitCode = 4
  override readonly cure: string

  constructor(reason: string, cure: string) {
    super(reason)
    this.cure = cure
  }
}

/** There is nothing to confirm. */
export class NothingOffered extends EdgeError {
  override readonly name = 'NothingOffered'
  readonly code = 'nothing_offered'
  override readonly statusCode = 409
  override readonly cure =
    'Set agent.stick_dir, let the daemon run, put the stick in, and see "edgeward status"; or run "edgeward onboard FILE".'

  constructor() {
    super('no boarding file on a stick is offered to this box')
  }
}

/** Somebody confirmed another file than the one that lies there now. */
export class OfferChanged extends Conflict {
  override readonly cure = 'See "edgeward status" in a few seconds for what is offered then.'

  constructor(path: string) {
    super(`${path} is no longer what was offered`, 'offer_changed')
  }
}

/** The far side did not give a usable answer; what was asked of it will be tried again. */
export class HubUnreachable extends EdgeError {
  override readonly name = 'HubUnreachable'
  readonly code = 'hub_unreachable'
  override readonly retryable = true
  override readonly statusCode = 502
  override readonly exitCode = 5
  override readonly cure: string

  constructor(message: string, cause: EdgeError) {
    super(`${message}: ${cause.message}`, { cause })
    this.cure = cause.cure ?? 'Check that the hub runs and see its log.'
  }
}

/** An answer, but none that decides anything: 429, 5xx, or not what the protocol says. */
export class HubUnavailable extends EdgeError {
  override readonly name = 'HubUnavailable'
  readonly code = 'hub_unavailable'
  override readonly retryable = true
  override readonly statusCode = 502
  override readonly exitCode = 5
  override readonly retryAfterMs: number

  constructor(target: string, reason: string, retryAfterMs = 0) {
    super(`${target} cannot serve this now: ${reason}`)
    this.retryAfterMs = retryAfterMs
  }
}

/** The hub no longer takes this box's credential. It is kept, and tried again. */
export class CredentialRefused extends EdgeError {
  override readonly name = 'CredentialRefused'
  readonly code = 'credential_refused'
  override readonly retryable = true
  override readonly statusCode = 502
  override readonly exitCode = 4
  override readonly cure =
    'If the agent was offboarded at the hub, get a new boarding file ("edgeward hub agent boarding ID") and run "edgeward onboard FILE".'
}

/** The hub's answer came when the box was another agent already. */
export class IdentityReplaced extends EdgeError {
  override readonly name = 'IdentityReplaced'
  readonly code = 'identity_replaced'
  override readonly retryable = true
  override readonly statusCode = 409
}

export class NotOnboarded extends EdgeError {
  override readonly name = 'NotOnboarded'
  readonly code = 'not_onboarded'
  override readonly statusCode = 409
  override readonly exitCode = 3
  override readonly cure = 'Run "edgeward onboard FILE" with the boarding file of the hub.'

  constructor() {
    super('this box has not been onboarded')
  }
}

/** The identity is there but cannot be understood; onboarding over it could destroy a credential that works. */
export class IdentityUnreadable extends EdgeError {
  override readonly name = 'IdentityUnreadable'
  readonly code = 'identity_unreadable'
  override readonly cure: string

  constructor(path: string, reason: string) {
    super(`${path} cannot be read: ${reason}`)
    this.cure = `Restore ${path} from a backup; or move it away, and onboard the box with a new boarding file.`
  }
}

/** Nothing has changed, neither on disk nor in memory. */
export class IdentityNotSaved extends EdgeError {
  override readonly name = 'IdentityNotSaved'
  readonly code = 'identity_not_saved'
  override readonly retryable = true
  override readonly cure: string

  constructor(path: string, cause: Error) {
    super(`${path} cannot be written: ${cause.message}`, { cause })
    this.cure = 'Check free space and permissions of the state directory.'
  }
}
