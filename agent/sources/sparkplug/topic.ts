/** A topic of an edge node: `spBv1.0/<group>/NDATA/<node>`, `spBv1.0/<group>/DDATA/<node>/<device>`. */
export interface NodeTopic {
  group: string
  node: string
  /** Undefined for the node itself. */
  device: string | undefined
  kind: 'BIRTH' | 'DATA' | 'DEATH'
}

/** Undefined for commands, states of hosts and what is not of Sparkplug B. */
export function parseTopic(topic: string): NodeTopic | undefined {
  const [namespace, group = '', type = '', node = '', device, ...more] = topic.split('/')
  const [, of, kind] = /^([ND])(BIRTH|DATA|DEATH)$/.exec(type) ?? []
  if (namespace !== 'spBv1.0' || kind === undefined || more.length > 0) return undefined
  if ((of === 'D') !== (device !== undefined)) return undefined
  return { group, node, device, kind: kind as NodeTopic['kind'] }
}

/** All that a node and its devices say; with it come the commands that others give them. */
export const filterOf = (group: string, node: string): string => `spBv1.0/${group}/+/${node}/#`

export const commandTopic = (group: string, node: string): string => `spBv1.0/${group}/NCMD/${node}`
