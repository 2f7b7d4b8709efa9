import type { Clock } from '../../../core/clock.ts'
import { Invalid } from '../../../core/errors.ts'
import type { Network } from '../../../core/net/index.ts'
import { parser } from '../../../core/schema.ts'
import { intervalMs } from '../interval.ts'
import type { Span } from './blocks.ts'
import {
  decode,
  type Order,
  orders,
  type Raw,
  type RegisterType,
  registersOf,
  registerTypes,
} from './encoding.ts'
import { openLink } from './link.ts'
import { defaultUnit } from './points.ts'
import { isBitTable, placeOf, Source, type SourceSettings, type Table } from './settings.ts'
import { openStream } from './stream.ts'

/** One way to read a value out of registers. */
export interface Decoding {
  /** Of its first register. */
  address: number
  registers: number
  type: RegisterType
  byteOrder: Order
  /** Undefined where a value has no order of registers. */
  wordOrder?: Order
  /** type "bit" only. */
  bit?: number
  value: Raw
}

export interface Asked {
  table: Table
  start: number
  count: number
}

const parseSource = parser(Source)

/**
 * One request to a device, apart from all sources: registers as they came, or bits eight to a byte.
 * Throws `Invalid`, or a DeviceError that says what to look for.
 */
export async function readDevice(
  deps: { clock: Clock; network: Network },
  settings: SourceSettings,
  { table, start, count }: Asked,
): Promise<Buffer> {
  const { unit = defaultUnit, timeout = '1s' } = parseSource(settings, 'the device')
  const place = placeOf(settings)
  if (!place)
    throw new Invalid(`"${settings.address}" is no address`, {
      cure: 'Write host:port, or /dev/ttyUSB0 with the transport rtu.',
    })
  const max = isBitTable(table) ? 2_000 : 125
  if (count < 1 || count > max || start + count > 65_536)
    throw new Invalid(`${count} from ${start} are not 1 to ${max} below 65536`)
  const span: Span = { unit, table, address: start, count }
  await using link = openLink(
    { clock: deps.clock, openStream: (to, signal) => openStream(to, deps.network, signal) },
    place,
  )
  return await link.read(span, intervalMs(timeout), new AbortController().signal)
}

/** All that registers may mean: every type at every register, in every order. */
export function decodings(bytes: Uint8Array, start: number): Decoding[] {
  const total = bytes.length / 2
  return registerTypes.flatMap((type) => {
    const length = type === 'string' ? Math.min(bytes.length, 250) : undefined
    const count = registersOf({ type, length: length ?? 0 })
    const places =
      type === 'string' ? [0] : Array.from({ length: Math.max(0, total - count + 1) }, (_, at) => at)
    return places.flatMap((at) => {
      const part = bytes.subarray(at * 2, (at + count) * 2)
      return variants(type, count).map((variant) => ({
        ...{ address: start + at, registers: count, type, ...variant },
        value: decode(part, { ...{ type, length, wordOrder: 'big' }, ...variant }),
      }))
    })
  })
}

type Variant = Pick<Decoding, 'byteOrder' | 'wordOrder' | 'bit'>

function variants(type: RegisterType, count: number): Variant[] {
  if (type === 'bit')
    return orders.flatMap((byteOrder) => Array.from({ length: 16 }, (_, bit) => ({ byteOrder, bit })))
  if (count === 1 || type === 'string') return orders.map((byteOrder) => ({ byteOrder }))
  return orders.flatMap((byteOrder) => orders.map((wordOrder) => ({ byteOrder, wordOrder })))
}
