import { readdir, readFile } from 'node:fs/promises'
import type { DataPointType, DataSource } from '../../protocol/data-source-configuration.ts'
import { plantNamespace } from './server.ts'

/** What a box is configured with, and the process that it starts for it. */

export const point = (id: string, type: DataPointType, node: string, customData: object = {}) => ({
  ...{ id, name: id, type },
  customData: { nodeId: `nsu=${plantNamespace};s=${node}`, samplingInterval: '50ms', ...customData },
})

export const press = (
  endpoint: string,
  custom: object,
  ...dataPoints: ReturnType<typeof point>[]
): DataSource => ({
  name: 'press',
  customData: { protocol: 'opcua', endpoint, publishingInterval: '100ms', ...custom },
  dataPoints,
})

/** Of the process with the OPC UA stack below another process; undefined when there is none. */
export async function stackPid(parent: number): Promise<number | undefined> {
  for (const task of await readdir(`/proc/${parent}/task`)) {
    const children = await readFile(`/proc/${parent}/task/${task}/children`, 'utf8')
    for (const pid of children.split(' ').filter((text) => text.trim() !== ''))
      if ((await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes('opcua/child/entry')) return Number(pid)
  }
  return undefined
}
