import { type AddressInfo, createServer, type Socket } from 'node:net'
import { systemClock } from '../../../core/clock.ts'
import { Invalid } from '../../../core/errors.ts'
import { until } from '../../../test/modbus/devices.ts'
import { planSources } from '../configuration.ts'
import type { Sharing } from '../shared.ts'
import type { ConfiguredPoint, DeviceState, Sample } from '../source.ts'
import { testContext } from '../test-context.ts'
import { modbus } from './index.ts'
import type { PointSettings, SourceSettings } from './settings.ts'

/** Devices to read from, and a source that reads. */

/** A TCP server that does with each connection what it likes. */
export async function serve(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    address: `127.0.0.1:${port}`,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type Given = [type: ConfiguredPoint['type'], custom: PointSettings]

/** What stands against a configuration, each with its path. */
export function refusals(custom: SourceSettings, given: readonly Given[]): readonly string[] {
  const dataPoints = given.map(([type, customData], at) => ({
    id: `p${at}`,
    name: `p${at}`,
    type,
    customData,
  }))
  const customData = { protocol: 'modbus', ...custom }
  try {
    planSources([{ name: 'press', customData, dataPoints }], { minIntervalMs: 100 })
    return []
  } catch (error) {
    if (error instanceof Invalid) return error.details
    throw error
  }
}

/** A source over the points `p0`, `p1`, … that reads until it is disposed. */
export function acquire(custom: SourceSettings, given: readonly Given[], sharing: Partial<Sharing> = {}) {
  const samples: Sample[] = []
  const reported: DeviceState[] = []
  const points = given.map(([type, point], at) => ({ id: `p${at}`, type, custom: point }))
  const { context } = testContext({
    ...sharing,
    clock: systemClock,
    storeOrLose: async (taken) => void samples.push(...taken),
    report: (state) => void reported.push(state),
  })
  const stop = new AbortController()
  const running = modbus
    .create({ custom, points }, context)
    .run(stop.signal)
    .catch(() => {})
  const newest = (id: string) => samples.findLast(({ point }) => point === id)
  return {
    samples,
    reported,
    newest,
    state: () => reported.at(-1),
    /** Until each point has a sample. */
    read: () => until('a sample of each point', () => points.every(({ id }) => newest(id) !== undefined)),
    connected: () => until('the device answers', () => reported.at(-1)?.at === 'connected'),
    async failed() {
      await until('the device fails', () => reported.at(-1)?.at === 'failing')
      return reported.findLast((state) => state.at === 'failing') as Extract<DeviceState, { at: 'failing' }>
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}
