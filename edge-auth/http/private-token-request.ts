import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { Invalid } from '../../core/errors.ts'
import { parseFilter } from '../kv/filter.ts'
import { type Conditions, maxNameBytes, type TokenName } from '../kv/token.ts'
import type { ListWish } from '../kv/tokens-thread.ts'

export const tokenPath = '/api/rest/v1/token'

const number = Type.String({ pattern: '^\\d{1,9}$' })
export const ListQuery = Type.Object(
  {
    filter: Type.Optional(Type.String()),
    startIndex: Type.Optional(number),
    count: Type.Optional(number),
    attributes: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
export type ListQuery = Static<typeof ListQuery>

const defaultCount = 100
const maxCount = 500

export function wishOf({
  filter,
  startIndex = '0',
  count,
}: ListQuery): Omit<ListWish, 'owner' | 'relatedId'> {
  return {
    filter: filter === undefined ? undefined : parseFilter(filter),
    from: Number(startIndex),
    count: Math.min(Number(count ?? defaultCount), maxCount),
  }
}

const attributes = ['relatedId', 'key', 'value', 'size', 'created', 'updated'] as const
export type Attribute = (typeof attributes)[number]

/** What is asked for by name; undefined when nothing is. */
export function attributesOf({ attributes: asked }: ListQuery): Attribute[] | undefined {
  return asked?.split(',').map((text) => {
    const name = text.trim().toLowerCase()
    const found = attributes.find((attribute) => attribute.toLowerCase() === name)
    if (!found) throw new Invalid(`attributes: there is no ${JSON.stringify(text.slice(0, 40))}`)
    return found
  })
}

/**
 * The names behind /token/ as they were sent: the router decodes a path before it looks for slashes, and
 * `a%2Fb` is one name.
 */
export function namesOf({ raw }: FastifyRequest): string[] {
  const path = (raw.url ?? '').replace(/^https?:\/\/[^/]*/i, '').split(/[?#]/)[0] as string
  const parts = path.split('/').slice(tokenPath.split('/').length)
  return parts.map((part) => {
    try {
      return decodeURIComponent(part)
    } catch (cause) {
      throw new Invalid('the path is not percent-encoded UTF-8', { cause })
    }
  })
}

export function tokenName(relatedId: string | undefined, key: string | undefined): TokenName {
  return { relatedId: checkedName('relatedId', relatedId), key: checkedName('key', key) }
}

export function checkedName(what: keyof TokenName, text: string | undefined): string {
  if (text === undefined) throw new Invalid(`${what} is missing`)
  if (text === '') throw new Invalid(`${what} is empty`)
  if (Buffer.byteLength(text) > maxNameBytes)
    throw new Invalid(`${what} has more than ${maxNameBytes} bytes of UTF-8`)
  return text
}

/** RFC 9110 13.1: what the request says of the state that it is for. */
export function conditionsOf({ headers }: FastifyRequest): Conditions {
  return {
    ifMatch: tagsOf('If-Match', headers['if-match'], false),
    ifNoneMatch: tagsOf('If-None-Match', headers['if-none-match'], true),
  }
}

const entityTags = /^(?:W\/)?"[\x21\x23-\x7e]*"(?:[ \t]*,[ \t]*(?:W\/)?"[\x21\x23-\x7e]*")*$/

/** A weak tag never matches where the comparison is the strong one. */
function tagsOf(header: string, text: string | undefined, isWeak: boolean): string[] | undefined {
  if (text === undefined) return undefined
  if (text.trim() === '*') return ['*']
  if (!entityTags.test(text.trim())) throw new Invalid(`${header} is no list of entity tags`)
  return [...text.matchAll(/(W\/)?"([^"]*)"/g)].flatMap(([, weak, tag]) =>
    weak !== undefined && !isWeak ? [] : [tag as string],
  )
}
