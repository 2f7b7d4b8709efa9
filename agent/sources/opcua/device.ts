import type { Device } from '../device.ts'
import type { DeviceError } from '../device-error.ts'
import { intervalMs } from '../interval.ts'
import type { Sample, SourceContext } from '../source.ts'
import { itemOf, noteOf, type OpcuaPoint, publishingMsOf, rangeInUnit, silenceMsOf } from './items.ts'
import type { Login, Opening, Subscribed } from './messages.ts'
import { createSamples } from './samples.ts'
import { type SourceSettings, securityOf } from './settings.ts'
import type { OpcuaConnection, Stack } from './stack.ts'

export interface OpcuaDeviceConfig {
  custom: SourceSettings
  points: readonly OpcuaPoint[]
  pollMs: number
  pkiDir: string
}

export interface OpcuaDevice extends Device {
  /** What is otherwise than was asked for, though it works. */
  note(): string | undefined
}

/** A server that tells what changes, or is read each interval. */
export function createOpcuaDevice(
  stack: Stack,
  context: SourceContext,
  { custom, points, pollMs, pkiDir }: OpcuaDeviceConfig,
): OpcuaDevice {
  const { clock, log } = context
  const items = points.map((point) => itemOf(point, custom))
  const samples = createSamples(points, context.stamp)
  const silence = points.map(silenceMsOf)
  const heardAt = new Map<number, number>()
  let connection: OpcuaConnection | undefined
  let lost: DeviceError | undefined
  let isPolled = custom.mode === 'poll'
  let polledAt = Number.NEGATIVE_INFINITY
  let notes = nothingNoted
  let note: string | undefined

  function granted(subscribed: Subscribed): void {
    tellRanges(subscribed)
    notes = { ...subscribed, notes: [...notes.notes, ...subscribed.notes] }
    const before = note
    note = noteOf(points, notes)
    if (note !== undefined && note !== before) log.warn({ note }, 'the server does not grant all')
  }

  async function subscribe(to: OpcuaConnection): Promise<void> {
    const subscribed = await to.subscribe(publishingMsOf(custom), items)
    isPolled = subscribed.refused !== undefined
    notes = nothingNoted
    granted(subscribed)
  }

  function tellRanges({ ranges }: Subscribed): void {
    for (const range of ranges) {
      const point = points[range.item]
      if (point) context.euRange(point.id, rangeInUnit(point, range))
    }
  }

  /** The places of what is due to be read. */
  function due(now: number): number[] {
    if (!isPolled)
      return items.flatMap((_, at) => (now - (heardAt.get(at) ?? now) >= (silence[at] ?? 0) ? [at] : []))
    // Half a tick early is better than a whole one late.
    if (custom.mode !== 'poll' && now - polledAt < pollMs - tickToleranceMs) return []
    polledAt = now
    return items.map((_, at) => at)
  }

  return {
    note: () => note,
    async connect(signal) {
      lost = undefined
      const opening = await openingOf(custom, context, pkiDir)
      connection = await stack.connect(
        opening,
        {
          values(values) {
            const now = clock.monotonic()
            for (const { item } of values) heardAt.set(item, now)
            return context.storeOrLose(samples.of(values))
          },
          granted,
          lost(error) {
            lost = error
          },
        },
        signal,
      )
      const now = clock.monotonic()
      for (const at of items.keys()) heardAt.set(at, now)
      if (custom.mode !== 'poll') await subscribe(connection)
    },
    async read(): Promise<readonly Sample[]> {
      if (lost) throw lost
      const now = clock.monotonic()
      const at = due(now)
      if (!connection || at.length === 0) return []
      const values = await connection.read(items, at)
      for (const item of at) heardAt.set(item, now)
      return samples.of(values)
    },
    async close() {
      await connection?.close()
      connection = undefined
    },
    unavailable: ({ reason }) => samples.unavailable(reason),
  }
}

const tickToleranceMs = 50
const nothingNoted: Subscribed = { notes: [], ranges: [] }

/** Reads the secrets anew each time: they may have been changed. */
async function openingOf(custom: SourceSettings, context: SourceContext, pkiDir: string): Promise<Opening> {
  return {
    ...securityOf(custom),
    endpoint: custom.endpoint,
    login: await loginOf(custom, context),
    pkiDir,
    timeoutMs: intervalMs(custom.timeout ?? '10s'),
  }
}

async function loginOf(
  { user, credential, userCertificate, userKey }: SourceSettings,
  context: SourceContext,
): Promise<Login> {
  if (user !== undefined && credential !== undefined)
    return { by: 'password', user, password: await context.credential(credential) }
  if (userCertificate !== undefined && userKey !== undefined)
    return {
      by: 'certificate',
      certificate: await context.credential(userCertificate),
      key: await context.credential(userKey),
    }
  return { by: 'nobody' }
}
