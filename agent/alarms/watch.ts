import type { Clock } from '../../core/clock.ts'
import type { Alarms } from '../alarms.ts'
import type { IdentityStatus } from '../identity.ts'
import type { OutboxStatus } from '../outbox-view.ts'
import type { TimeStatus } from '../time/index.ts'

/** A certificate of the box, and when it ends, in epoch milliseconds. */
export interface Ending {
  readonly name: string
  readonly notAfter: number
}

export interface Watched {
  identity(): IdentityStatus
  time(): TimeStatus
  outbox(): Promise<Pick<OutboxStatus, 'bytes' | 'maxBytes'>>
  certificates(): readonly Ending[]
}

export interface WatchDeps {
  alarms: Pick<Alarms, 'raise' | 'clear'>
  clock: Clock
}

const lookEveryMs = 30_000
/** So long a start without the hub or NTP is nothing unusual. */
const untrustedPatienceMs = 600_000
/** A credential that has less than this share of its life left should have been followed by another. */
const lastShare = 0.2
/** They are renewed thirty days before. */
const certificateMs = 21 * 86_400_000
const fullShare = 0.8
const emptierShare = 0.7

/** Looks now and then at what no module raises an alarm for by itself; until aborted. */
export async function watchBox(
  { alarms, clock }: WatchDeps,
  watched: Watched,
  signal: AbortSignal,
): Promise<void> {
  let untrustedSince: number | undefined
  const say = (code: string, message: string | undefined): void =>
    message === undefined ? alarms.clear(code) : alarms.raise(code, message)

  const lookAtTime = (): void => {
    const isUntrusted = watched.time().state === 'untrusted'
    untrustedSince = isUntrusted ? (untrustedSince ?? clock.monotonic()) : undefined
    const lasts = untrustedSince !== undefined && clock.monotonic() - untrustedSince >= untrustedPatienceMs
    say('clock_untrusted', lasts ? 'neither the hub nor NTP has proven the time of the box' : undefined)
  }
  const lookAtOutbox = async (): Promise<void> => {
    const { bytes, maxBytes } = await watched.outbox()
    const share = bytes / maxBytes
    if (share > fullShare)
      alarms.raise('outbox_filling', 'the outbox is nearly full: the hub has not taken what waits in it')
    else if (share < emptierShare) alarms.clear('outbox_filling')
  }
  while (!signal.aborted) {
    lookAtTime()
    const status = watched.identity()
    say('credential_expiring', endingCredential(status, clock.now()))
    const needed = status.state === 'needs-onboarding' ? (status.reason ?? 'the hub refused it') : undefined
    say('onboarding_needed', needed && `the box must be onboarded again: ${needed}`)
    say('certificate_expiring', endingCertificate(watched.certificates(), clock.now()))
    await lookAtOutbox()
    await clock.sleep(lookEveryMs, signal).catch(() => {}) // aborted: the loop ends
  }
}

function endingCredential(status: IdentityStatus, now: number): string | undefined {
  const { state, reason, credentialIssuedAt: issuedAt, credentialExpiresAt: expiresAt } = status
  if (state === 'needs-onboarding' || issuedAt === undefined || expiresAt === undefined) return undefined
  if (expiresAt - now > (expiresAt - issuedAt) * lastShare) return undefined
  const why = reason === undefined ? '' : `: ${reason}`
  return `the credential of the box ends ${iso(expiresAt)}, and could not be renewed${why}`
}

function endingCertificate(certificates: readonly Ending[], now: number): string | undefined {
  const [first] = certificates.filter(({ notAfter }) => notAfter - now < certificateMs)
  return first && `the certificate of the ${first.name} ends ${iso(first.notAfter)}`
}

const iso = (at: number): string => new Date(at).toISOString()
