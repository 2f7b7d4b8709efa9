import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Stamp } from '../../protocol/reading.ts'
import type { HubTime, ToldTime } from '../hub-time.ts'

/**
 * What time it is, and whether that is proven. The box's clock alone proves nothing: it is believed
 * while NTP keeps it. Otherwise time is what the hub told, carried on by the monotonic clock, so that a
 * step of the box's clock changes nothing.
 */
export interface Guard extends HubTime {
  /** For a reading taken now. */
  stamp(): Stamp
  /** Undefined while the box's clock is right to the minute, or nothing better is known. */
  correctedNow(): number | undefined
  /**
   * The hub told its time on a connection whose certificate dates could not be checked. It proves nothing,
   * but is the best that is known while no hub has proven the time. Not taken (false) otherwise, and never
   * back behind `earliest`.
   */
  heardUnproven(told: ToldTime): boolean
  /** Whether NTP keeps the box's clock, as of now. */
  setSynchronised(kept: boolean): void
  /** Notices what happens without being told. True when the box's clock was stepped since the last look. */
  look(): boolean
  proof(): Proof | undefined
  /** Called at once and synchronously: time has become proven, or its proof has moved by over a second. */
  onProof(listener: (proof: Proof) => void): void
  status(): TimeStatus
}

/** At `monotonic` it was `time`, give or take `errorMs`. */
export interface Proof {
  monotonic: number
  time: number
  errorMs: number
}

export interface TimeStatus {
  state: 'trusted' | 'untrusted'
  /** Who vouches for it. */
  source?: 'hub' | 'ntp'
  /** What has to be added to the box's clock; 0 while nothing better is known. */
  offsetMs: number
  /** Epoch milliseconds since when state and source are as they are. */
  since: number
}

/** A quartz is off by up to this share (50 ppm, 4 s a day). */
export const driftRate = 50e-6
/** A time that may be further off is not proven: readings are then corrected later. */
export const tolerableErrorMs = 10_000
/** The box's clock and the hub differ: below this nobody needs to act. */
const noticeableMs = 60_000
const stepMs = 2_000
const ntpErrorMs = 500
const proofMovedMs = 1_000

interface Known {
  source: 'hub' | 'ntp'
  now: number
  errorMs: number
}

/** `floor`: it cannot be earlier than this. */
export function createGuard(
  { clock, log }: { clock: Clock; log: Logger },
  { floor }: { floor: number },
): Guard {
  const startedAt = clock.monotonic()
  const listeners: ((proof: Proof) => void)[] = []
  let hub: Proof | undefined
  /** Wall minus monotonic while NTP keeps the box's clock. */
  let ntpOffset: number | undefined
  let lastOffset = clock.now() - startedAt
  let told: Proof | undefined
  let shown: Pick<TimeStatus, 'state' | 'source'> = { state: 'untrusted' }
  let since = clock.now()

  const offset = () => clock.now() - clock.monotonic()
  const floorNow = () => floor + clock.monotonic() - startedAt

  function fromHub(): Known | undefined {
    if (!hub) return undefined
    const passed = clock.monotonic() - hub.monotonic
    return { source: 'hub', now: hub.time + passed, errorMs: hub.errorMs + driftRate * passed }
  }

  /** The hub is what logins are measured by: where NTP contradicts it, the hub is believed. */
  function known(): Known | undefined {
    const byHub = fromHub()
    const wall = clock.now()
    const kept = ntpOffset !== undefined && Math.abs(offset() - ntpOffset) <= stepMs && wall >= floorNow()
    const disputed = byHub && Math.abs(wall - byHub.now) > noticeableMs + byHub.errorMs
    return kept && !disputed ? { source: 'ntp', now: wall, errorMs: ntpErrorMs } : byHub
  }

  const proven = (time = known()): Known | undefined =>
    time && time.errorMs <= tolerableErrorMs ? time : undefined
  const now = () => Math.round(known()?.now ?? Math.max(clock.now(), floorNow()))

  function proof(): Proof | undefined {
    const time = proven()
    return time && { monotonic: clock.monotonic(), time: time.now, errorMs: time.errorMs }
  }

  /** Tells what has changed, if anything has. */
  function review(): void {
    const current = proof()
    const { source } = proven() ?? {}
    const state = source === undefined ? 'untrusted' : 'trusted'
    if (state !== shown.state || source !== shown.source) {
      shown = source === undefined ? { state } : { state, source }
      since = now()
      log.info({ ...shown, offsetMs: since - clock.now() }, 'trust in the time changed')
    }
    if (current === undefined) told = undefined
    else if (told === undefined || Math.abs(offsetOf(current) - offsetOf(told)) > proofMovedMs) {
      told = current
      for (const listener of listeners) listener(current)
    }
  }

  function take({ time, resolutionMs, roundTripMs }: ToldTime, doubtMs = 0): void {
    const halfMs = (resolutionMs + roundTripMs) / 2
    const estimate = time + halfMs
    const errorMs = halfMs + doubtMs
    const before = fromHub()
    const agrees = before && Math.abs(estimate - before.now) <= errorMs + before.errorMs
    if (agrees && before.errorMs <= errorMs) return // what we have is better
    const wall = clock.now()
    const wallAgrees = Math.abs(wall - estimate) <= halfMs // then it is the finer of the two
    hub = { monotonic: clock.monotonic(), time: wallAgrees ? wall : estimate, errorMs }
  }

  return {
    now,
    earliest: () => Math.round(proven()?.now ?? floorNow()),
    stamp() {
      const time = now()
      return proven() ? { time } : { time, monotonic: Math.round(clock.monotonic()) }
    },
    correctedNow() {
      const time = known()?.now
      return time !== undefined && Math.abs(time - clock.now()) > noticeableMs ? Math.round(time) : undefined
    },
    heard(time) {
      const before = now()
      take(time)
      review()
      return Math.abs(now() - before) > noticeableMs
    },
    heardUnproven(time) {
      if (proven()?.source === 'hub' || time.time < floorNow() - noticeableMs) return false
      take(time, 2 * tolerableErrorMs)
      review()
      return true
    },
    setSynchronised(kept) {
      ntpOffset = kept ? offset() : undefined
      review()
    },
    look() {
      const stepped = Math.abs(offset() - lastOffset) > stepMs
      if (stepped) log.warn({ byMs: Math.round(offset() - lastOffset) }, 'the clock of the box was stepped')
      else if (ntpOffset !== undefined && Math.abs(offset() - ntpOffset) <= stepMs) ntpOffset = offset()
      lastOffset = offset()
      review()
      return stepped
    },
    proof,
    onProof: (listener) => void listeners.push(listener),
    status: () => ({ ...shown, offsetMs: Math.round((known()?.now ?? clock.now()) - clock.now()), since }),
  }
}

const offsetOf = ({ time, monotonic }: Proof): number => time - monotonic
