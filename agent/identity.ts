import type { Operations } from '../core/control.ts'
import type { SecurityProfile } from '../protocol/boarding.ts'

/** Who this box is at the hub, and the keeping of it. */
export interface Identity extends AsyncDisposable {
  /** `identity.onboard`, `identity.rotate`, `identity.token`. */
  readonly operations: Operations
  /** Undefined until the box is onboarded. */
  current(): Membership | undefined
  /** Resolves with the membership, at once or when the box has been onboarded. */
  onboarded(signal: AbortSignal): Promise<Membership>
  /** Called when the membership changed: onboarded, or taken in anew. */
  onChange(listener: () => void): void
  /** An access token that is still good for at least a fifth of its life; fetched when needed. */
  accessToken(signal?: AbortSignal): Promise<AccessToken>
  status(): IdentityStatus
  /** Onboards when a boarding configuration waits, rotates on schedule; until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface Membership {
  tenant: string
  agentId: string
  baseUrl: string
  mqtt?: string
  /** PEM. */
  ca?: string
}

export interface AccessToken {
  token: string
  /** On the monotonic clock: fetch or reconnect then (80 % of the life). */
  renewAt: number
  /** On the monotonic clock. */
  expiresAt: number
}

export interface IdentityStatus {
  state: 'unboarded' | 'onboarding' | 'onboarded' | 'rotating' | 'needs-onboarding'
  /** Why, when it is not onboarded or the last attempt failed. */
  reason?: string
  tenant?: string
  agentId?: string
  profile?: SecurityProfile
  hub?: string
  /** A short name of the credential in use that changes with each rotation; never a secret. */
  credential?: string
  credentialIssuedAt?: number
  credentialExpiresAt?: number
  rotateAt?: number
}
