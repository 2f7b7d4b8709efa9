import { type ClientSession, makeBrowsePath, type NodeId } from 'node-opcua-client'
import { chunks } from './reading.ts'

/** EURange of nodes, as the server knows it; what has none is left out. */
export async function readRanges(
  session: ClientSession,
  nodes: readonly { item: number; nodeId: NodeId }[],
): Promise<{ item: number; low: number; high: number }[]> {
  const found: { item: number; low: number; high: number }[] = []
  for (const some of chunks(nodes)) {
    const paths = some.map(({ nodeId }) => makeBrowsePath(nodeId, '.EURange'))
    const results = await session.translateBrowsePath(paths)
    const properties = some.flatMap(({ item }, place) => {
      const nodeId = results[place]?.targets?.[0]?.targetId
      return nodeId ? [{ item, nodeId }] : []
    })
    if (properties.length === 0) continue
    const values = await session.readVariableValue(properties.map(({ nodeId }) => nodeId))
    for (const [place, { item }] of properties.entries()) {
      const { low, high } = (values[place]?.value.value ?? {}) as { low?: unknown; high?: unknown }
      if (typeof low === 'number' && typeof high === 'number' && low < high) found.push({ item, low, high })
    }
  }
  return found
}
