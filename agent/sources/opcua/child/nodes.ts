import { type ClientSession, coerceNodeId, type NodeId } from 'node-opcua-client'

/** Finds out which nodes are meant: a server may number its namespaces anew at each start. */
export interface Nodes {
  /** Undefined while the server has no such namespace. */
  find(text: string): NodeId | undefined
}

/** Reads the server's table of namespaces where a node is named by URI. */
export async function lookUp(session: ClientSession, texts: readonly string[]): Promise<Nodes> {
  const uris = texts.some((text) => text.startsWith('nsu=')) ? await session.readNamespaceArray() : []
  return {
    find(text) {
      const [, uri, rest] = /^nsu=([^;]*);(.*)$/.exec(text) ?? []
      if (uri === undefined) return coerceNodeId(text)
      const index = uris.indexOf(uri)
      return index < 0 ? undefined : coerceNodeId(`ns=${index};${rest}`)
    },
  }
}
