import Type, { type Static } from 'typebox'
import { parser } from '../core/schema.ts'

export const dataPointTypes = [
  'INT',
  'LONG',
  'DOUBLE',
  'BOOLEAN',
  'STRING',
  'BIG_STRING',
  'TIMESTAMP',
] as const
export type DataPointType = (typeof dataPointTypes)[number]

const CustomData = Type.Record(Type.String(), Type.Unknown())

export const DataPoint = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 36 }),
  name: Type.String({ minLength: 1, maxLength: 64 }),
  description: Type.Optional(Type.String({ maxLength: 256 })),
  type: Type.Enum(dataPointTypes),
  unit: Type.Optional(Type.String({ maxLength: 32 })),
  /** How to acquire the point, for its source's protocol: `{"metric":"memory.used"}`. */
  customData: Type.Optional(CustomData),
})
export type DataPoint = Static<typeof DataPoint>

export const DataSource = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 64 }),
  description: Type.Optional(Type.String({ maxLength: 256 })),
  dataPoints: Type.Array(DataPoint),
  /** How to reach the source: `{"protocol":"system","interval":"1s"}`. */
  customData: Type.Optional(CustomData),
})
export type DataSource = Static<typeof DataSource>

/** What an operator writes: PUT …/dataSourceConfiguration. */
export const DataSourceConfigurationUpdate = Type.Object({
  configurationId: Type.String({ minLength: 1, maxLength: 36 }),
  dataSources: Type.Array(DataSource),
})
export type DataSourceConfigurationUpdate = Static<typeof DataSourceConfigurationUpdate>

/** What the hub answers. `eTag` is a number in text, "0" before the first PUT; `configurationId` is then absent. */
export const DataSourceConfiguration = Type.Object({
  id: Type.String(),
  eTag: Type.String(),
  configurationId: Type.Optional(Type.String({ maxLength: 36 })),
  dataSources: Type.Array(DataSource),
})
export type DataSourceConfiguration = Static<typeof DataSourceConfiguration>

const parseConfiguration = parser(DataSourceConfiguration)
const parseUpdate = parser(DataSourceConfigurationUpdate)

/** Throws `Invalid`. */
export const parseDataSourceConfiguration = (data: unknown, what: string): DataSourceConfiguration =>
  parseConfiguration(withUpperCaseTypes(data), what)
/** Throws `Invalid`. */
export const parseDataSourceConfigurationUpdate = (
  data: unknown,
  what: string,
): DataSourceConfigurationUpdate => parseUpdate(withUpperCaseTypes(data), what)

/** Older clients write the types of data points in lower case. Takes anything; changes nothing else. */
export function withUpperCaseTypes(document: unknown): unknown {
  return inEach(document, 'dataSources', (source) =>
    inEach(source, 'dataPoints', (point) =>
      isRecord(point) && typeof point.type === 'string'
        ? { ...point, type: point.type.toUpperCase() }
        : point,
    ),
  )
}

function inEach(holder: unknown, key: string, change: (item: unknown) => unknown): unknown {
  if (!isRecord(holder)) return holder
  const items = holder[key]
  return Array.isArray(items) ? { ...holder, [key]: items.map(change) } : holder
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
