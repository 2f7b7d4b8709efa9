import type { FlashStatus, GapPage, OutboxStatus } from '../agent/index.ts'
import type { GapReason } from '../protocol/gap.ts'
import { columns, when } from './output.ts'

type Field = readonly [label: string, value: string | undefined]

/** What waits for the hub, how fast it comes and goes, what it costs the flash, what was lost. */
export function describeDelivery(outbox: OutboxStatus, flash: FlashStatus, now: number): Field[] {
  const { readings, batches, bytes, maxBytes, oldestAt, rates, mode } = outbox
  const backlog = readings === 0 ? 'nothing waits' : `${readings} readings in ${batches} batches wait`
  const oldest = oldestAt === undefined ? '' : `, the oldest for ${span(now - oldestAt)}`
  const notSent = Object.entries(outbox.lost).filter(([, count]) => count > 0)
  const { held, lost } = Object.groupBy(notSent, ([why]) => (filters.includes(why) ? 'held' : 'lost'))
  return [
    ['outbox', `${backlog}${oldest}; ${size(bytes)} of ${size(maxBytes)} on disk`],
    ['  as of', outbox.asOf === undefined ? undefined : `${when(outbox.asOf)}; it is busy with its disk`],
    ['  mode', describeMode(mode, rates)],
    ['  rate', `${rate(rates.in)} in, ${rate(rates.out)} out, over the last minute`],
    ['  held back', counted(held)],
    ['  lost', counted(lost)],
    ['flash', describeFlash(flash)],
  ]
}

/** What the configuration asks to hold back is not a loss to worry about. */
const filters: readonly string[] = ['deadband', 'rate'] satisfies GapReason[]

const counted = (counts: readonly [why: string, count: number][] | undefined): string | undefined =>
  counts?.map(([why, count]) => `${why} ${count}`).join(', ')

function describeMode(mode: OutboxStatus['mode'], { in: taken, written }: OutboxStatus['rates']): string {
  if (mode === 'always') return 'always: everything is written to disk'
  if (taken === 0) return 'spill'
  const share = Math.min(1, written / taken)
  return `spill: ${Math.round(share * 100)} % of the last minute was written to disk, the rest acknowledged before`
}

function describeFlash({
  device,
  deviceBytesPerDay,
  processBytesPerDay,
  years,
  reason,
}: FlashStatus): string {
  if (reason !== undefined) return `not known: ${reason}`
  if (deviceBytesPerDay === undefined) return `${device}: known after ten minutes`
  const own = processBytesPerDay === undefined ? '' : `, ${size(processBytesPerDay)} of it by edgeward`
  return `${device}: ${size(deviceBytesPerDay)} a day by all programs${own}${describeLife(years)}`
}

function describeLife(years: number | undefined): string {
  if (years === undefined) return ''
  return `; lasts ${years > 100 ? 'more than 100' : years.toFixed(years < 10 ? 1 : 0)} years`
}

/** Rows of the loss ledger, and whether what each source brought is accounted for. */
export function describeGaps({ gaps, next, sources }: GapPage): string {
  return [
    columns(
      ['ID', 'REASON', 'SOURCE', 'COUNT', 'NUMBERS', 'EPOCH', 'SINCE', 'UNTIL'],
      gaps.map(({ id, reason, source = '(all)', count = '?', first, last, epoch, since, until }) => [
        ...[id, reason, source, count, first === undefined ? undefined : `${first}-${last}`],
        ...[epoch, when(since), when(until)],
      ]),
      'no losses',
    ),
    ...(next === undefined ? [] : ['older ones: --json']),
    '',
    columns(
      ['SOURCE', 'PRODUCED', 'DELIVERED', 'WAITING', 'LOST', 'BALANCE'],
      sources.map(({ source, produced, delivered, waiting, lost, balanced }) => [
        ...[source, produced, delivered, waiting],
        Object.values(lost).reduce((sum, count) => sum + count, 0),
        balanced ? 'exact' : 'DOES NOT BALANCE',
      ]),
      'no source has produced in this epoch',
    ),
  ].join('\n')
}

const rate = (perSecond: number): string => `${perSecond.toFixed(perSecond < 10 ? 1 : 0)}/s`

function size(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`
}
