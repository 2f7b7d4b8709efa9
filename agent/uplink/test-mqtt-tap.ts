import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

const publish = 3
const puback = 4

/** For tests: what goes over MQTT connections to a broker, seen from the middle of the line. */
export async function mqttTap(farSide: string) {
  const { hostname, port } = new URL(farSide)
  let unanswered = 0
  const seen = { mostUnanswered: 0, largestPacket: 0, connections: 0, versions: [] as number[] }
  const near = new Set<Socket>()

  function onUp(type: number, bytes: number, packet: Buffer): void {
    if (type === 1) seen.versions.push(packet[packet.indexOf('MQTT') + 4] as number)
    if (type !== publish) return
    unanswered++
    seen.mostUnanswered = Math.max(seen.mostUnanswered, unanswered)
    seen.largestPacket = Math.max(seen.largestPacket, bytes)
  }

  const server = createServer((socket) => {
    const far = connect(Number(port), hostname)
    seen.connections++
    unanswered = 0
    near.add(socket)
    const up = packets(onUp)
    const down = packets((type) => {
      if (type === puback) unanswered--
    })
    socket.on('data', (chunk) => {
      up(chunk)
      far.write(chunk)
    })
    far.on('data', (chunk) => {
      down(chunk)
      socket.write(chunk)
    })
    for (const end of [socket, far]) {
      end.on('error', () => {})
      end.on('close', () => {
        socket.destroy()
        far.destroy()
        near.delete(socket)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    cut(): void {
      for (const socket of near) socket.destroy()
    },
    async [Symbol.asyncDispose](): Promise<void> {
      server.close()
      for (const socket of near) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Cuts a stream into packets (MQTT, 2.1): type and flags, length of the rest in groups of 7 bits. */
function packets(onPacket: (type: number, bytes: number, packet: Buffer) => void) {
  let waiting: Buffer = Buffer.alloc(0)
  return (chunk: Buffer): void => {
    waiting = Buffer.concat([waiting, chunk])
    for (;;) {
      let length = 0
      let at = 1
      for (; at < waiting.length; at++) {
        length += ((waiting[at] as number) & 127) * 128 ** (at - 1)
        if ((waiting[at] as number) < 128) break
      }
      const bytes = at + 1 + length
      if (at >= waiting.length || waiting.length < bytes) return
      onPacket((waiting[0] as number) >> 4, bytes, waiting.subarray(0, bytes))
      waiting = waiting.subarray(bytes)
    }
  }
}
