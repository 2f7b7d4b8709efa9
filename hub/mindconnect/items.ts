import Type, { type Static } from 'typebox'
import { Invalid } from '../../core/errors.ts'
import { parseJson, parser } from '../../core/schema.ts'
import {
  type DataSourceConfigurationUpdate,
  parseDataSourceConfigurationUpdate,
} from '../../protocol/data-source-configuration.ts'
import { repeatedPointIds } from '../../protocol/point-ids.ts'
import { type Part, parseMultipart } from './multipart.ts'

/** Values of one timestamp, as agents write them: mostly all in text. */
export const TimeSeriesRecord = Type.Object({
  timestamp: Type.String({ maxLength: 64 }),
  values: Type.Array(
    Type.Object({
      dataPointId: Type.String({ maxLength: 256 }),
      value: Type.Union([Type.String(), Type.Number(), Type.Boolean()]),
      qualityCode: Type.Optional(Type.Union([Type.String({ maxLength: 32 }), Type.Number()])),
    }),
  ),
})
export type TimeSeriesRecord = Static<typeof TimeSeriesRecord>

/** What one tuple of an exchange holds. */
export type Item =
  | { type: 'standardTimeSeries'; configurationId: string | undefined; records: TimeSeriesRecord[] }
  | { type: 'businessEvent'; events: BusinessEvent[] }
  | { type: 'file'; fileName: string; createdAt: string | undefined; fileType: string; content: Buffer }
  | { type: 'dataSourceConfiguration'; update: DataSourceConfigurationUpdate }
  /** A type that we do not know; kept as it is. */
  | { type: 'other'; kind: string; details: object; contentType: string; content: Buffer }

/** Severity is a number or a text, depending on the client; further properties are kept. */
const BusinessEvent = Type.Object({
  id: Type.Optional(Type.String({ maxLength: 256 })),
  timestamp: Type.String({ maxLength: 64 }),
})
export type BusinessEvent = Static<typeof BusinessEvent> & Record<string, unknown>

const Details = Type.Record(Type.String(), Type.Unknown())
const parseMeta = parser(
  Type.Object({
    type: Type.Literal('item'),
    payload: Type.Object({
      type: Type.String({ minLength: 1, maxLength: 64 }),
      details: Type.Optional(Details),
    }),
  }),
)
const parseSeriesDetails = parser(
  Type.Object({ configurationId: Type.Optional(Type.String({ maxLength: 36 })) }),
)
const parseFileDetails = parser(
  Type.Object({
    fileName: Type.String({ minLength: 1, maxLength: 1024 }),
    creationDate: Type.Optional(Type.String({ maxLength: 64 })),
    fileType: Type.Optional(Type.String({ maxLength: 256 })),
  }),
)
const parseRecords = parser(Type.Array(TimeSeriesRecord))
const parseEvents = parser(Type.Array(BusinessEvent))

/**
 * The body of an exchange: multipart/mixed of tuples, each multipart/related of meta data and payload.
 * Throws `Invalid` when any of it is malformed, so that nothing is taken from a broken upload.
 */
export function readItems(body: Buffer, contentType: string): Item[] {
  const tuples = parseMultipart(body, contentType)
  if (tuples.length === 0) throw new Invalid('the exchange holds no tuple')
  return tuples.map(readTuple)
}

function readTuple(tuple: Part): Item {
  const contentType = tuple.headers.get('content-type') ?? ''
  if (!/^multipart\/related\b/i.test(contentType)) throw new Invalid('a tuple is not multipart/related')
  const [meta, payload] = parseMultipart(tuple.body, contentType)
  if (!meta || !payload) throw new Invalid('a tuple needs meta data and a payload')
  const { type, details = {} } = parseMeta(parseJson(meta.body.toString(), 'meta data'), 'meta data').payload
  return toItem(type, details, payload)
}

function toItem(type: string, details: Record<string, unknown>, payload: Part): Item {
  const json = () => parseJson(payload.body.toString(), type)
  switch (type) {
    case 'standardTimeSeries':
      return {
        type,
        configurationId: parseSeriesDetails(details, 'details').configurationId,
        records: parseRecords(json(), type),
      }
    case 'businessEvent':
      return { type, events: parseEvents(json(), type) as BusinessEvent[] }
    case 'file': {
      const { fileName, creationDate, fileType } = parseFileDetails(details, 'details')
      const content = payload.body
      return { type, fileName, createdAt: creationDate, fileType: fileType ?? octetStream, content }
    }
    case 'dataSourceConfiguration':
      return { type, update: readConfiguration(json()) }
    default: {
      const contentType = payload.headers.get('content-type') ?? octetStream
      return { type: 'other', kind: type, details, contentType, content: payload.body }
    }
  }
}

const parseTimeSeriesMessage = parser(Type.Object({ timeseries: Type.Array(TimeSeriesRecord) }))

/** What agents send over MQTT: time series, read with the configuration in force. Throws `Invalid`. */
export function readTimeSeries(payload: Buffer): Item {
  const what = 'time series'
  const { timeseries } = parseTimeSeriesMessage(parseJson(payload.toString(), what), what)
  return { type: 'standardTimeSeries', configurationId: undefined, records: timeseries }
}

/** Refused here already, so that nothing of the exchange has been stored by then. */
function readConfiguration(document: unknown): DataSourceConfigurationUpdate {
  const update = parseDataSourceConfigurationUpdate(document, 'dataSourceConfiguration')
  const repeated = repeatedPointIds(update)
  if (repeated.length > 0) throw new Invalid(`data point ids are repeated: ${repeated.join(', ')}`)
  return update
}

const octetStream = 'application/octet-stream'
