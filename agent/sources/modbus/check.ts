import type { DataPointType } from '../../../protocol/data-source-configuration.ts'
import { intervalMs } from '../interval.ts'
import type { Configured, ConfiguredPoint, Limits, Refuse } from '../source.ts'
import { type RegisterType, registersOf } from './encoding.ts'
import { isBitTable, type Point, placeOf, type Source, type SourceSettings } from './settings.ts'

/** What the schemas cannot say. */
export function check(
  { custom, points }: Configured<typeof Source, typeof Point>,
  refuse: Refuse,
  { minIntervalMs }: Limits,
): void {
  const { interval, timeout, unit } = custom
  if (interval !== undefined && intervalMs(interval) < minIntervalMs)
    refuse(undefined, 'interval', `"${interval}" is shorter than sources.min_interval, ${minIntervalMs} ms`)
  if (timeout !== undefined && (intervalMs(timeout) < 10 || intervalMs(timeout) > maxTimeoutMs))
    refuse(undefined, 'timeout', `"${timeout}" is not between 10ms and 30s`)
  checkPlace(custom, refuse)
  checkUnit(undefined, unit, custom, refuse)
  for (const [index, point] of points.entries()) {
    checkUnit(index, point.custom.unit, custom, refuse)
    checkAddress(index, point, refuse)
    if (isBitTable(point.custom.table)) checkBit(index, point, refuse)
    else checkRegisters(index, point, custom, refuse)
  }
}

const maxTimeoutMs = 30_000

function checkPlace(custom: SourceSettings, refuse: Refuse): void {
  const { transport = 'tcp', address } = custom
  if (!placeOf(custom)) {
    const right = transport === 'rtu' ? 'a serial port such as "/dev/ttyUSB0"' : '"host" or "host:port"'
    const hint =
      transport !== 'rtu' && address.startsWith('/dev/') ? '; a serial port needs "transport":"rtu"' : ''
    refuse(undefined, 'address', `${JSON.stringify(address)} is not ${right}${hint}`)
  }
  if (transport === 'rtu') return
  for (const key of ['baudRate', 'parity', 'dataBits', 'stopBits'] as const)
    if (custom[key] !== undefined) refuse(undefined, key, 'is for "transport":"rtu" only')
}

/** On a bus 0 speaks to all, and nobody answers. */
function checkUnit(
  index: number | undefined,
  unit: number | undefined,
  { transport }: SourceSettings,
  refuse: Refuse,
): void {
  const isBus = transport === 'rtu' || transport === 'rtu-over-tcp'
  if (isBus && unit !== undefined && (unit < 1 || unit > 247))
    refuse(index, 'unit', `${unit} is not between 1 and 247, as units on a bus are`)
}

function checkAddress(index: number, { custom }: ConfiguredPoint<typeof Point>, refuse: Refuse): void {
  const { address, table } = custom
  if (typeof address === 'string')
    refuse(
      index,
      'address',
      `${JSON.stringify(address)} is no number from 0; ${hint(address) ?? `write for example {"table":"${table}","address":0}`}`,
    )
}

/** What "40001" of a manual is here: one digit for the table, and a number that begins at 1. */
function hint(text: string): string | undefined {
  const [, digit = '', number = ''] = /^([0134])[xX]?(\d{4,5})$/.exec(text) ?? []
  const table = { 0: 'coil', 1: 'discrete', 3: 'input', 4: 'holding' }[digit]
  if (!table || Number(number) < 1 || Number(number) > 65_536) return undefined
  return `where a manual says so, write {"table":"${table}","address":${Number(number) - 1}}`
}

function checkBit(index: number, { type, custom }: ConfiguredPoint<typeof Point>, refuse: Refuse): void {
  if (type !== 'BOOLEAN')
    refuse(index, 'table', `"${custom.table}" fits a point of type BOOLEAN, not ${type}`)
  if (custom.type !== undefined && custom.type !== 'bit')
    refuse(index, 'type', `"${custom.table}" holds bits; "${custom.type}" is for "holding" and "input"`)
  for (const key of ['bit', 'length', 'byteOrder', 'wordOrder'] as const)
    if (custom[key] !== undefined) refuse(index, key, `"${custom.table}" does not take it`)
}

const whole: readonly DataPointType[] = ['INT', 'LONG', 'DOUBLE']
const fitting: Record<RegisterType, readonly DataPointType[]> = {
  ...{ int16: whole, uint16: whole, int32: whole, uint32: whole, int64: whole, uint64: whole },
  ...{ float32: ['DOUBLE'], float64: ['DOUBLE'] },
  bit: ['BOOLEAN'],
  string: ['STRING', 'BIG_STRING'],
}

function checkRegisters(
  index: number,
  { type, custom }: ConfiguredPoint<typeof Point>,
  source: SourceSettings,
  refuse: Refuse,
): void {
  const { table, address, type: as } = custom
  if (as === undefined) {
    refuse(index, 'type', `missing; "${table}" needs it: ${Object.keys(fitting).join(', ')}`)
    return
  }
  if (!fitting[as].includes(type))
    refuse(index, 'type', `"${as}" fits a point of type ${fitting[as].join(', ')}, not ${type}`)
  const count = registersOf({ type: as, length: custom.length })
  for (const [key, of] of [
    ['bit', 'bit'],
    ['length', 'string'],
  ] as const) {
    if (as === of && custom[key] === undefined) refuse(index, key, `missing; "${of}" needs it`)
    if (as !== of && custom[key] !== undefined) refuse(index, key, `"${as}" does not take it`)
  }
  if (custom.wordOrder !== undefined && (as === 'string' || count === 1))
    refuse(index, 'wordOrder', `"${as}" has no order of registers`)
  if (typeof address === 'number' && address + count > 65_536)
    refuse(index, 'address', `${address} is too high for ${count} registers; the last is 65535`)
  if (count > (source.maxRegisters ?? 125))
    refuse(index, 'type', `takes ${count} registers, which is more than maxRegisters, ${source.maxRegisters}`)
}
