import Type, { type Static } from 'typebox'
import { Invalid } from '../../core/errors.ts'
import { parseJson, parser } from '../../core/schema.ts'
import { parseTimestamp } from '../../protocol/timestamp.ts'
import type { Page, PageQuery } from '../page.ts'
import type { Caller } from './guard.ts'

/** How lists are asked for. */
export const Listing = Type.Object({
  /** JSON: `{"property":"value"}`. */
  filter: Type.Optional(Type.String()),
  /** `field1,field2,desc`: the direction, when given, stands last and is for all. */
  sort: Type.Optional(Type.String()),
  page: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  size: Type.Optional(Type.Integer({ minimum: 1, maximum: 2000 })),
})
const parseFilter = parser(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])))

/** Within the caller's rights: an agent sees what is its own. Throws `Invalid`. */
export function toQuery(
  { tenant, agentId }: Caller,
  { filter, sort, page = 0, size = 20 }: Static<typeof Listing>,
): PageQuery {
  const asked = filter === undefined ? {} : parseFilter(parseJson(filter, 'filter'), 'filter')
  const own = agentId === undefined ? {} : { agentId }
  if (agentId !== undefined && (asked.agentId ?? agentId) !== agentId)
    throw new Invalid('filter: an agent sees only what is its own')
  return { tenant, filter: { ...withTimes(asked), ...own }, sort: parseSort(sort ?? ''), page, size }
}

/** Times are ISO 8601 outside and epoch milliseconds inside. */
function withTimes(filter: PageQuery['filter']): PageQuery['filter'] {
  const entries = Object.entries(filter).map(([property, value]) => {
    const time = /^(timestamp|requestTime)$/.test(property) ? parseTimestamp(String(value)) : undefined
    return [property, time ?? value] as const
  })
  return Object.fromEntries(entries)
}

function parseSort(text: string): PageQuery['sort'] {
  const fields = text.split(',').filter((field) => field !== '')
  const direction = /^(asc|desc)$/i.test(fields.at(-1) ?? '') ? fields.pop() : undefined
  return fields.map((property) => ({ property, descending: direction?.toLowerCase() === 'desc' }))
}

/** A Spring `Page`, as agent management and MindConnect answer. */
export function toPage<Row>(
  { page, size, sort }: PageQuery,
  { rows, total }: Page<Row>,
  toBody: (row: Row) => object,
) {
  const totalPages = Math.ceil(total / size)
  return {
    content: rows.map(toBody),
    first: page === 0,
    last: page + 1 >= totalPages,
    number: page,
    numberOfElements: rows.length,
    size,
    sort: sort.map(({ property, descending }) => ({
      direction: descending ? 'DESC' : 'ASC',
      property,
      ignoreCase: false,
      nullHandling: 'NATIVE',
      ascending: !descending,
      descending,
    })),
    totalElements: total,
    totalPages,
  }
}

/** HAL, as asset and event management answer. */
export const toHal = <Row>(
  name: string,
  { page, size }: PageQuery,
  { rows, total }: Page<Row>,
  toBody: (row: Row) => object,
) => ({
  _embedded: { [name]: rows.map(toBody) },
  page: { size, totalElements: total, totalPages: Math.ceil(total / size), number: page },
})
