import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { TokenDamaged } from '../kv/errors.ts'
import type { OpenList, OpenToken } from '../kv/reading.ts'
import type { TokenHead } from '../kv/token.ts'
import type { Attribute } from './private-token-request.ts'

export const entityTag = ({ content }: TokenHead): string => `"${content}"`

/** A token without its value. */
export const describeToken = ({ relatedId, key, bytes, createdAt, updatedAt }: TokenHead) => ({
  relatedId,
  key,
  size: bytes,
  created: new Date(createdAt).toISOString(),
  updated: new Date(updatedAt).toISOString(),
})

/** Sends what comes as it comes; `close` is called when it has been read, or nobody reads any more. */
export function sendJson(
  reply: FastifyReply,
  pieces: AsyncIterable<string>,
  close: () => void,
): FastifyReply {
  const stream = Readable.from(pieces)
  stream.once('close', close) // what was never read never comes to its end
  return reply.type('application/json; charset=utf-8').send(stream)
}

export async function* tokenPieces({
  head,
  value,
}: Pick<OpenToken, 'head' | 'value'>): AsyncGenerator<string> {
  const { relatedId, key, ...rest } = describeToken(head)
  yield* withValue({ relatedId, key }, value(), rest)
}

/** So small a value stands in a listing without being asked for. */
export const inlineBytes = 4_096

/** Up to which size values are wanted. */
export function valuesUpTo(attributes: readonly Attribute[] | undefined): number {
  if (attributes === undefined) return inlineBytes
  return attributes.includes('value') ? Number.POSITIVE_INFINITY : -1
}

export async function* listPieces(
  list: OpenList,
  startIndex: number,
  attributes: readonly Attribute[] | undefined,
): AsyncGenerator<string> {
  const upTo = valuesUpTo(attributes)
  yield '{"resources":['
  for (const [at, head] of list.heads.entries()) {
    if (at > 0) yield ','
    const { relatedId, key, ...rest } = describeToken(head)
    const names = { relatedId, key }
    const shown = Object.fromEntries(
      Object.entries(rest).filter(([name]) => !attributes || attributes.includes(name as Attribute)),
    )
    const token = list.open(head)
    const isDamaged = head.damaged || (head.bytes <= upTo && !(await isWhole(token)))
    if (isDamaged) yield JSON.stringify({ ...names, ...shown, damaged: true })
    else if (head.bytes > upTo) yield JSON.stringify({ ...names, ...shown })
    else yield* withValue(names, token.value(), shown)
  }
  const { length } = list.heads
  yield `],"totalResults":${list.total},"startIndex":${startIndex},"itemsPerPage":${length}}`
}

async function isWhole(token: Pick<OpenToken, 'check'>): Promise<boolean> {
  try {
    await token.check()
    return true
  } catch (error) {
    if ((error as { code?: string }).code === new TokenDamaged().code) return false
    throw error
  }
}

async function* withValue(
  before: object,
  value: AsyncIterable<string>,
  after: object,
): AsyncGenerator<string> {
  yield `${JSON.stringify(before).slice(0, -1)},"value":"`
  for await (const text of value) yield JSON.stringify(text).slice(1, -1)
  const rest = JSON.stringify(after).slice(1)
  yield rest === '}' ? '"}' : `",${rest}`
}
