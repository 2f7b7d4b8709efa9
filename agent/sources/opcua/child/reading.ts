import {
  AttributeIds,
  type ClientSession,
  type NodeId,
  type ReadValueIdOptions,
  StatusCodes,
} from 'node-opcua-client'
import type { Item, WireValue } from '../messages.ts'
import { lookUp } from './nodes.ts'
import { badItem, wireValue } from './values.ts'

/** What any server takes in one request. */
export const perRequest = 100

export function* chunks<T>(all: readonly T[], size = perRequest): Generator<T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}

/** The stack takes its text too. */
export const rangeOf = ({ indexRange }: Item) =>
  indexRange === undefined ? {} : { indexRange: indexRange as unknown as NumericRange }

type NumericRange = NonNullable<ReadValueIdOptions['indexRange']>

/** Whether an index range names one element of an array. */
export const isElement = ({ indexRange }: Item): boolean =>
  indexRange !== undefined && /^\d+(,\d+)*$/.test(indexRange)

/** The values of the items at these places. */
export async function readItems(
  session: ClientSession,
  items: readonly Item[],
  at: readonly number[],
): Promise<WireValue[]> {
  const nodes = await lookUp(
    session,
    at.map((item) => items[item]?.nodeId ?? ''),
  )
  const values: WireValue[] = []
  const known: { item: number; nodeId: NodeId; of: Item }[] = []
  for (const item of at) {
    const of = items[item] as Item
    const nodeId = nodes.find(of.nodeId)
    if (nodeId) known.push({ item, nodeId, of })
    else values.push(badItem(item, StatusCodes.BadNodeIdUnknown))
  }
  for (const some of chunks(known)) {
    const request = some.map(({ nodeId, of }) => ({
      ...{ nodeId, attributeId: AttributeIds.Value },
      ...rangeOf(of),
    }))
    const answers = await session.read(request, 0)
    for (const [place, { item, of }] of some.entries()) {
      const answer = answers[place]
      values.push(
        answer ? wireValue(item, answer, isElement(of)) : badItem(item, StatusCodes.BadUnexpectedError),
      )
    }
  }
  return values
}
