import Type, { type Static } from 'typebox'
import { Invalid } from '../../core/errors.ts'
import { parseJson, parser } from '../../core/schema.ts'
import { type Agent, type AgentQuery, sortProperties } from '../registry/index.ts'
import { toBody } from './agent-body.ts'

export const Listing = Type.Object({
  filter: Type.Optional(Type.String()),
  sort: Type.Optional(Type.String()),
  page: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  size: Type.Optional(Type.Integer({ minimum: 1, maximum: 2000 })),
})
const parseFilter = parser(
  Type.Object(
    {
      id: Type.Optional(Type.String()),
      name: Type.Optional(Type.String()),
      securityProfile: Type.Optional(Type.String()),
    },
    { additionalProperties: false },
  ),
)

export function toQuery(
  tenant: string,
  { filter, sort, page = 0, size = 20 }: Static<typeof Listing>,
): AgentQuery {
  const asked = filter === undefined ? {} : parseFilter(parseJson(filter, 'filter'), 'filter')
  return { tenant, filter: asked, sort: parseSort(sort ?? ''), page, size }
}

/** `field1,field2,desc`: the direction, when given, stands last and is for all. */
function parseSort(text: string): AgentQuery['sort'] {
  const fields = text.split(',').filter((field) => field !== '')
  const direction = /^(asc|desc)$/i.test(fields.at(-1) ?? '') ? fields.pop() : undefined
  return fields.map((field) => {
    const property = sortProperties.find((known) => known === field)
    if (!property) throw new Invalid(`sort: ${field} is none of ${sortProperties.join(', ')}`)
    return { property, descending: direction?.toLowerCase() === 'desc' }
  })
}

/** A Spring `Page`. */
export function toPage(
  { page, size, sort }: AgentQuery,
  { agents, total }: { agents: Agent[]; total: number },
) {
  const totalPages = Math.ceil(total / size)
  return {
    content: agents.map(toBody),
    first: page === 0,
    last: page + 1 >= totalPages,
    number: page,
    numberOfElements: agents.length,
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
