import type { Metric, SparkplugPayload } from './payload.ts'

/** What a host has to remember of an edge node. */
export interface NodeState {
  /** unknown: its BIRTH was not heard, or messages after it may have been missed. */
  at: 'unknown' | 'born' | 'dead'
  /** A message is missing: what an alias stands for may have changed. */
  gap: boolean
  readonly metrics: Map<string, KnownMetric>
  seq: bigint | undefined
  bdSeq: bigint | undefined
}

interface KnownMetric {
  name: string
  datatype: number | undefined
}

export const newNode = (): NodeState => ({
  ...{ at: 'unknown', gap: false, metrics: new Map(), seq: undefined, bdSeq: undefined },
})

/** Whether the message follows the one before; each that comes counts, also after a gap. */
export function follows(state: NodeState, { seq }: SparkplugPayload): boolean {
  if (seq === undefined || state.seq === undefined) return true
  const isNext = seq === (state.seq + 1n) % 256n
  state.seq = seq
  return isNext
}

export function born(state: NodeState, payload: SparkplugPayload): void {
  state.at = 'born'
  state.gap = false
  state.metrics.clear()
  state.seq = payload.seq
  state.bdSeq = bdSeqOf(payload)
}

/** A death is that of the life before where its number says so: it was on the way for long. */
export function isOfThisLife({ bdSeq }: NodeState, death: SparkplugPayload): boolean {
  const told = bdSeqOf(death)
  return bdSeq === undefined || told === undefined || bdSeq === told
}

function bdSeqOf({ metrics }: SparkplugPayload): bigint | undefined {
  const value = metrics.find(({ name }) => name === 'bdSeq')?.value
  return typeof value === 'bigint' ? value : undefined
}

/** By alias within its device, too: not all nodes give each alias but once. */
const byAlias = (device: string | undefined, alias: bigint) => `a${alias}/${device ?? ''}`
const byName = (device: string | undefined, name: string) => `n${device ?? ''}/${name}`

export function remember(state: NodeState, device: string | undefined, metrics: readonly Metric[]): void {
  for (const { name, alias, datatype } of metrics) {
    if (name === undefined) continue
    state.metrics.set(byName(device, name), { name, datatype })
    if (alias !== undefined) state.metrics.set(byAlias(device, alias), { name, datatype })
  }
}

/** Undefined when the alias is not known. */
export function identify(
  state: NodeState,
  device: string | undefined,
  { name, alias, datatype }: Metric,
): KnownMetric | undefined {
  // An empty name beside an alias is none.
  if (name !== undefined && (name !== '' || alias === undefined))
    return { name, datatype: datatype ?? state.metrics.get(byName(device, name))?.datatype }
  const known = alias === undefined ? undefined : state.metrics.get(byAlias(device, alias))
  return known && { name: known.name, datatype: datatype ?? known.datatype }
}
