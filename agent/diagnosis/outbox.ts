import { type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'
import type { Alarm } from '../alarms.ts'
import type { FlashStatus } from '../flash.ts'
import type { OutboxStatus } from '../outbox-view.ts'

/** A backlog that a connected box works off, or an outage that is news to nobody, is younger. */
const oldMs = 3_600_000
const fullShare = 0.9

const cures: Readonly<Record<string, string>> = {
  disk_full:
    'Make room on the disk of the state directory ("df", "du"); the box goes on by itself and takes back its reserve.',
  outbox_quarantined:
    'Check the disk ("dmesg"): the file lies beside outbox.db with ".corrupt-" in its name, and what could be read in it is delivered. Remove it when nobody needs it.',
  outbox_unwritable:
    'Check the disk and its mount options ("dmesg", "mount"), and whether another process holds outbox.db; what apps are told was kept is kept.',
  outbox_filling:
    'Let the box reach the hub; or give it more room with outbox.max_bytes. What is dropped stands in "edgeward status --gaps".',
  outbox_silent: 'Check the disk ("dmesg"): a card at the end of its life takes seconds for each write.',
}

export function describeOutbox(outbox: OutboxStatus, alarms: readonly Alarm[], now: number): Finding {
  const { readings, batches, bytes, maxBytes, oldestAt, lost } = outbox
  const facts = { readings, batches, bytes, maxBytes, oldestAt, lost, alarms: alarms.map(({ code }) => code) }
  const waits = `${readings} readings in ${batches} batches wait, ${bytes} of ${maxBytes} bytes on disk`
  const [alarm] = alarms
  if (alarm) {
    const more = alarms.length > 1 ? ` (and ${alarms.length - 1} more alarms)` : ''
    return (alarm.severity === 'WARNING' ? warning : failed)(
      `${alarm.message}${more}; ${waits}`,
      cures[alarm.code] ?? 'See "edgeward status" and the log of the daemon.',
      facts,
    )
  }
  const dropped = (lost.quota ?? 0) + (lost.age ?? 0) + (lost.refused ?? 0)
  if (bytes > maxBytes * fullShare)
    return warning(
      `it is nearly full: ${waits}`,
      'Let the box reach the hub; or give it more room with outbox.max_bytes. What is dropped stands in "edgeward status --gaps".',
      facts,
    )
  if (dropped > 0)
    return warning(
      `${dropped} readings were lost for want of room or for their age; ${waits}`,
      'See "edgeward status --gaps". Let the box reach the hub; or raise outbox.max_bytes or outbox.max_age.',
      facts,
    )
  if (oldestAt !== undefined && now - oldestAt > oldMs)
    return warning(
      `the oldest reading has waited for ${age(now - oldestAt)}; ${waits}`,
      'See what keeps the box from delivering; after an outage the backlog takes a while.',
      facts,
    )
  return ok(waits, facts)
}

const soonYears = 3

export function describeFlash(flash: FlashStatus): Finding {
  const { device, deviceBytesPerDay, years, reason } = flash
  if (reason !== undefined) return skipped(reason)
  if (deviceBytesPerDay === undefined) return skipped('the daemon knows it ten minutes after its start')
  const written = `${Math.round(deviceBytesPerDay / 1e6)} MB a day are written to ${device}`
  if (years === undefined) return ok(written, { ...flash })
  const lasts = `${written}: it lasts ${years.toFixed(1)} years, as cards go`
  if (years >= soonYears) return ok(lasts, { ...flash })
  return warning(
    lasts,
    'Find out which program writes ("edgeward status" says how much edgeward does); plan to replace the card.',
    { ...flash },
  )
}

export function age(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} minutes` : `${Math.round(ms / 3_600_000)} hours`
}
