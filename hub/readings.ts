import Type, { type Static } from 'typebox'
import { Invalid } from '../core/errors.ts'
import type { ReadingStore } from './store/index.ts'

/** How stored readings are asked for, over HTTP and on the command line. */
export const ReadingsQuery = Type.Object({
  point: Type.Optional(Type.String()),
  /** ISO 8601, or epoch milliseconds. */
  since: Type.Optional(Type.String()),
  /** `next` of the page before. */
  after: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
})

export const ReadingsPage = Type.Object({
  readings: Type.Array(
    Type.Object({
      pointId: Type.String(),
      /** ISO 8601. */
      time: Type.String(),
      /** A LONG beyond 2^53 is text. */
      value: Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()]),
      /** OPC UA StatusCode. */
      quality: Type.Integer(),
    }),
  ),
  /** Absent on the last page. */
  next: Type.Optional(Type.String()),
})

export async function queryReadings(
  store: ReadingStore,
  agentId: string,
  { point, since, after, limit = 1000 }: Static<typeof ReadingsQuery>,
): Promise<Static<typeof ReadingsPage>> {
  const { readings, next } = await store.query({
    agentId,
    limit,
    ...(point === undefined ? {} : { pointId: point }),
    ...(since === undefined ? {} : { since: parseTime(since) }),
    ...(after === undefined ? {} : { after }),
  })
  return {
    readings: readings.map((reading) => ({ ...reading, time: new Date(reading.time).toISOString() })),
    ...(next === undefined ? {} : { next }),
  }
}

function parseTime(text: string): number {
  const time = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isNaN(time)) throw new Invalid(`since: "${text}" is neither ISO 8601 nor epoch milliseconds`)
  return time
}
