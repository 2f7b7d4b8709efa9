import { deflateRawSync, inflateRawSync } from 'node:zlib'
import Type, { type Static } from 'typebox'
import { Invalid } from '../core/errors.ts'
import { parseJson, parser } from '../core/schema.ts'
import type { Reading, Value } from './reading.ts'
import { statusCode } from './reading.ts'

/**
 * What one commit window holds. (epoch, seq) names it for ever: seq grows by one within an epoch, and
 * an epoch ends when the sequence cannot be proven to continue.
 *
 * On the wire and in the outbox: version (1 byte, 1), epoch (8 bytes), seq (8 bytes, big endian), then
 * deflated columnar JSON. The name stands outside the deflated part, so that a batch that cannot be
 * understood can still be named.
 */
export interface BatchName {
  /** 16 lower-case hex digits. */
  epoch: string
  seq: number
}

export interface Batch extends BatchName {
  readings: Reading[]
  /** The start of the box that `monotonic` of readings counts from; there when one of them has it. */
  boot?: string
}

/** Columns; entry k of `d`, `i` and `v` belongs to reading k. */
const Columns = Type.Object({
  /** Point ids that `i` refers to. */
  p: Type.Array(Type.String()),
  /** Time of the first reading, epoch milliseconds. */
  t: Type.Integer(),
  /** Milliseconds since the reading before. */
  d: Type.Array(Type.Integer()),
  i: Type.Array(Type.Integer({ minimum: 0 })),
  v: Type.Array(Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()])),
  /** [k, quality] of the readings that are not Good. */
  q: Type.Optional(
    Type.Array(Type.Tuple([Type.Integer(), Type.Integer({ minimum: 0, maximum: 0xffffffff })])),
  ),
  /** Readings whose text value is a 64-bit integer. */
  l: Type.Optional(Type.Array(Type.Integer())),
  /** `boot` of the batch. */
  b: Type.Optional(Type.String({ maxLength: 64 })),
  /** [k, monotonic] of the readings whose time is not proven. */
  m: Type.Optional(Type.Array(Type.Tuple([Type.Integer(), Type.Integer({ minimum: 0 })]))),
})
type Columns = Static<typeof Columns>

const parseColumns = parser(Columns)
const version = 1
const headerBytes = 17
/** An honest batch inflates to a few hundred kilobytes; a hostile one must not fill the memory. */
const maxInflatedBytes = 32 * 1024 * 1024

/** What a Date can hold, in epoch milliseconds. */
const lastDate = 8.64e15

export function encodeBatch({ epoch, seq, readings, boot }: Batch): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt8(version, 0)
  header.write(epoch, 1, 8, 'hex')
  header.writeBigUInt64BE(BigInt(seq), 9)
  return Buffer.concat([header, deflateRawSync(JSON.stringify(toColumns(readings, boot)))])
}

/** Throws `Invalid` for anything but the header of a batch. */
export function decodeBatchName(payload: Buffer): BatchName {
  if (payload.length < headerBytes) throw new Invalid(`batch of ${payload.length} bytes has no header`)
  if (payload[0] !== version)
    throw new Invalid(`batch of version ${payload[0]}; this release knows ${version}`)
  const seq = payload.readBigUInt64BE(9)
  if (seq > BigInt(Number.MAX_SAFE_INTEGER)) throw new Invalid(`batch sequence ${seq} is out of range`)
  return { epoch: payload.toString('hex', 1, 9), seq: Number(seq) }
}

/** Throws `Invalid` for anything but a batch. */
export function decodeBatch(payload: Buffer): Batch {
  const name = decodeBatchName(payload)
  const columns = parseColumns(parseJson(inflate(payload), 'batch'), 'batch')
  const boot = columns.b === undefined ? {} : { boot: columns.b }
  return { ...name, readings: fromColumns(columns), ...boot }
}

function inflate(payload: Buffer): string {
  try {
    return inflateRawSync(payload.subarray(headerBytes), { maxOutputLength: maxInflatedBytes }).toString()
  } catch (cause) {
    throw new Invalid(`batch does not inflate: ${(cause as Error).message}`, { cause })
  }
}

function toColumns(readings: readonly Reading[], boot: string | undefined): Columns {
  const aliases = new Map<string, number>()
  const first = readings[0]?.time ?? 0
  const columns: Required<Omit<Columns, 'b'>> = { p: [], t: first, d: [], i: [], v: [], q: [], l: [], m: [] }
  let before = first
  for (const [k, { point, value, quality, time, monotonic }] of readings.entries()) {
    let alias = aliases.get(point)
    if (alias === undefined) {
      alias = columns.p.push(point) - 1
      aliases.set(point, alias)
    }
    columns.i.push(alias)
    columns.d.push(time - before)
    before = time
    if (typeof value === 'bigint') columns.l.push(k)
    columns.v.push(typeof value === 'bigint' ? value.toString() : value)
    if (quality !== statusCode.good) columns.q.push([k, quality])
    if (monotonic !== undefined) columns.m.push([k, monotonic])
  }
  const { q, l, m, ...always } = columns
  return {
    ...always,
    ...(q.length > 0 ? { q } : {}),
    ...(l.length > 0 ? { l } : {}),
    ...(m.length > 0 && boot !== undefined ? { b: boot, m } : {}),
  }
}

function fromColumns({ p, t, d, i, v, q = [], l = [], m = [] }: Columns): Reading[] {
  if (d.length !== i.length || v.length !== i.length) throw new Invalid('batch: columns differ in length')
  const qualities = new Map(q)
  const longs = new Set(l)
  const unproven = new Map(m)
  let time = t
  return i.map((alias, k) => {
    const point = p[alias]
    if (point === undefined) throw new Invalid(`batch: reading ${k} names no point`)
    time += d[k] ?? 0
    if (Math.abs(time) > lastDate) throw new Invalid(`batch: reading ${k} has a time beyond all dates`)
    const value: Value = v[k] ?? null
    const monotonic = unproven.get(k)
    return {
      point,
      value: longs.has(k) ? toBigInt(value, k) : value,
      quality: qualities.get(k) ?? statusCode.good,
      time,
      ...(monotonic === undefined ? {} : { monotonic }),
    }
  })
}

function toBigInt(value: Value, k: number): bigint {
  if (typeof value === 'string' && /^-?\d{1,19}$/.test(value)) {
    const long = BigInt(value)
    if (BigInt.asIntN(64, long) === long) return long
  }
  throw new Invalid(`batch: reading ${k} is no 64-bit integer`)
}
