import { jsonOf, type WireValue } from './datatype.ts'
import { bytesOf, type Field, fieldsOf, floatOf, Malformed, numberOf, numbersOf, textOf } from './protobuf.ts'

/** A payload of Sparkplug B, as it stands on the wire; of `Template` and `PropertySet` what readings need. */
export interface SparkplugPayload {
  /** Epoch milliseconds. */
  timestamp: bigint | undefined
  seq: bigint | undefined
  metrics: Metric[]
}

export interface Metric {
  name: string | undefined
  alias: bigint | undefined
  timestamp: bigint | undefined
  datatype: number | undefined
  isHistorical: boolean
  isNull: boolean
  value: WireValue | undefined
  /** The property "Quality": 0 is Bad, 192 Good, 500 Stale. */
  quality: number | undefined
}

/** Throws `Malformed`. */
export function decodePayload(bytes: Buffer): SparkplugPayload {
  const payload: SparkplugPayload = { timestamp: undefined, seq: undefined, metrics: [] }
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) payload.timestamp = numberOf(field)
    if (field.number === 2) payload.metrics.push(metricOf(bytesOf(field), 0))
    if (field.number === 3) payload.seq = numberOf(field)
  }
  return payload
}

function metricOf(bytes: Buffer, depth: number): Metric {
  const metric: Metric = {
    ...{ name: undefined, alias: undefined, timestamp: undefined, datatype: undefined },
    ...{ isHistorical: false, isNull: false, value: undefined, quality: undefined },
  }
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) metric.name = textOf(field)
    else if (field.number === 2) metric.alias = numberOf(field)
    else if (field.number === 3) metric.timestamp = numberOf(field)
    else if (field.number === 4) metric.datatype = Number(numberOf(field))
    else if (field.number === 5) metric.isHistorical = numberOf(field) !== 0n
    else if (field.number === 7) metric.isNull = numberOf(field) !== 0n
    else if (field.number === 9) metric.quality = qualityOf(bytesOf(field))
    else if (field.number >= 10 && field.number <= 18) metric.value = wireValue(field, depth)
  }
  return metric
}

function wireValue(field: Field, depth: number): WireValue {
  switch (field.number) {
    case 10:
    case 11:
      return numberOf(field)
    case 12:
      return floatOf(field, 4)
    case 13:
      return floatOf(field, 8)
    case 14:
      return numberOf(field) !== 0n
    case 15:
      return textOf(field)
    case 16:
      return bytesOf(field)
    case 17:
      return { document: dataSet(bytesOf(field)) }
    default:
      return { document: template(bytesOf(field), depth + 1) }
  }
}

/** PropertySet: keys and values in the same order. */
function qualityOf(bytes: Buffer): number | undefined {
  const fields = [...fieldsOf(bytes)]
  const at = fields.filter(({ number }) => number === 1).findIndex((key) => textOf(key) === 'Quality')
  const value = fields.filter(({ number }) => number === 2)[at]
  if (at < 0 || !value) return undefined
  const whole = [...fieldsOf(bytesOf(value))].find(({ number }) => number === 3 || number === 4)
  return whole && Number(numberOf(whole))
}

/** Its rows, each an object by the names of the columns. */
function dataSet(bytes: Buffer): Record<string, unknown>[] {
  const fields = [...fieldsOf(bytes)]
  const columns = fields.filter(({ number }) => number === 2).map(textOf)
  const types = fields.filter(({ number }) => number === 3).flatMap(numbersOf)
  const rows = fields.filter(({ number }) => number === 4)
  if (types.length !== columns.length) throw new Malformed('a data set has other types than columns')
  return rows.map((row) => {
    const elements = [...fieldsOf(bytesOf(row))].filter(({ number }) => number === 1)
    if (elements.length !== columns.length) throw new Malformed('a row has other elements than columns')
    const values = elements.map((element, at) => elementOf(bytesOf(element), Number(types[at])))
    return Object.fromEntries(columns.map((column, at) => [column, values[at]]))
  })
}

/** The numbers of its fields are those of a metric's value less nine. No field: null. */
function elementOf(bytes: Buffer, type: number): unknown {
  const [value] = [...fieldsOf(bytes)].filter(({ number }) => number >= 1 && number <= 6)
  return value ? jsonOf(wireValue({ ...value, number: value.number + 9 }, 0), type) : null
}

const maxDepth = 8

/** Its metrics by name. */
function template(bytes: Buffer, depth: number): Record<string, unknown> {
  if (depth > maxDepth) throw new Malformed(`templates within templates, more than ${maxDepth} deep`)
  const metrics = [...fieldsOf(bytes)].filter(({ number }) => number === 2)
  return Object.fromEntries(
    metrics.map((field) => {
      const { name = '', value, datatype, isNull } = metricOf(bytesOf(field), depth)
      return [name, isNull || value === undefined ? null : jsonOf(value, datatype)]
    }),
  )
}
