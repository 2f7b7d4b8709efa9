import {
  AttributeIds,
  BrowseDirection,
  type ClientSession,
  DataType,
  NodeClass,
  type NodeId,
  type ReferenceDescription,
  StatusCodes,
} from 'node-opcua-client'
import type { BrowseAsked, BrowsedNode } from '../messages.ts'
import { lookUp } from './nodes.ts'
import { perRequest } from './reading.ts'
import { badItem, wireValue } from './values.ts'

/** The tree below a node, as far as depth and number allow. */
export async function browse(
  session: ClientSession,
  { node, depth, maxNodes }: BrowseAsked,
): Promise<BrowsedNode> {
  const nodeId = (await lookUp(session, [node])).find(node)
  if (!nodeId) throw new Error('BadNodeIdUnknown: the server has no such namespace')
  const [browseName, displayName, nodeClass] = await session.read(
    [AttributeIds.BrowseName, AttributeIds.DisplayName, AttributeIds.NodeClass].map((attributeId) => ({
      nodeId,
      attributeId,
    })),
  )
  if (nodeClass && !nodeClass.statusCode.isGoodish()) throw new Error(nodeClass.statusCode.name)
  const root: Found = {
    nodeId,
    shown: {
      nodeId: nodeId.toString(),
      browseName: String(browseName?.value.value ?? ''),
      displayName: displayName?.value.value?.text ?? '',
      nodeClass: NodeClass[nodeClass?.value.value as number] ?? '',
      children: [],
    },
  }
  const seen = new Set([root.shown.nodeId])
  const variables: Found[] = root.shown.nodeClass === 'Variable' ? [root] : []
  let level = [root]
  for (let down = 0; down < depth && level.length > 0; down++) {
    const next: Found[] = []
    for (const parent of level) {
      for (const reference of await childrenOf(session, parent.nodeId, maxNodes)) {
        const key = reference.nodeId.toString()
        if (seen.has(key)) continue
        if (seen.size >= maxNodes) {
          parent.shown.more = true
          break
        }
        seen.add(key)
        const found = foundOf(reference)
        parent.shown.children.push(found.shown)
        next.push(found)
      }
    }
    variables.push(...next.filter(({ shown }) => shown.nodeClass === 'Variable'))
    level = next
  }
  await addValues(session, variables)
  return root.shown
}

interface Found {
  nodeId: NodeId
  shown: BrowsedNode
}

function foundOf({ nodeId, browseName, displayName, nodeClass }: ReferenceDescription): Found {
  return {
    nodeId,
    shown: {
      nodeId: nodeId.toString(),
      browseName: browseName.toString(),
      displayName: displayName.text ?? '',
      nodeClass: NodeClass[nodeClass] ?? '',
      children: [],
    },
  }
}

async function childrenOf(
  session: ClientSession,
  nodeId: NodeId,
  max: number,
): Promise<ReferenceDescription[]> {
  let result = await session.browse({
    nodeId,
    browseDirection: BrowseDirection.Forward,
    referenceTypeId: 'HierarchicalReferences',
    includeSubtypes: true,
    resultMask: 63,
  })
  const found = [...(result.references ?? [])]
  while (result.continuationPoint && result.continuationPoint.length > 0) {
    const isEnough = found.length >= max
    result = await session.browseNext(result.continuationPoint, isEnough)
    if (isEnough) break
    found.push(...(result.references ?? []))
  }
  // Nodes of other servers cannot be asked for here.
  return found.filter(({ nodeId: of }) => !(of as { serverIndex?: number }).serverIndex)
}

async function addValues(session: ClientSession, variables: readonly Found[]): Promise<void> {
  for (let at = 0; at < variables.length; at += perRequest) {
    const some = variables.slice(at, at + perRequest)
    const values = await session.read(some.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value })))
    for (const [place, { shown }] of some.entries()) {
      const value = values[place]
      shown.value = value ? wireValue(0, value, false) : badItem(0, StatusCodes.BadUnexpectedError)
      if (value?.value && value.value.dataType !== DataType.Null) {
        const isArray = Array.isArray(value.value.value) || ArrayBuffer.isView(value.value.value)
        const isText = value.value.dataType === DataType.ByteString
        shown.dataType = `${DataType[value.value.dataType]}${isArray && !isText ? '[]' : ''}`
      }
    }
  }
}
