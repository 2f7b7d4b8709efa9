import { type AddressInfo, createServer, type Socket } from 'node:net'
import { systemClock } from '../../core/clock.ts'

/**
 * A program: a plant of Modbus TCP devices, each on a port of its own. Says the ports as a line of JSON and
 * runs until it is killed. Registers 0 and 1 count the requests, register 2 the connections.
 */

interface Behaviour {
  answerMs?: number
  /** While it is not, connections are cut. */
  isUp?: () => boolean
}

async function open({ answerMs = 0, isUp = () => true }: Behaviour): Promise<number> {
  let requests = 0
  let connections = 0
  const open = new Set<Socket>()

  async function answer(socket: Socket, request: Buffer): Promise<void> {
    if (answerMs > 0) await systemClock.sleep(answerMs)
    requests++
    const registers = [requests >>> 16, requests & 0xffff, connections].slice(request.readUInt16BE(8))
    const count = request.readUInt16BE(10)
    const reply = Buffer.alloc(9 + 2 * count)
    request.copy(reply, 0, 0, 8)
    reply.writeUInt16BE(3 + 2 * count, 4)
    reply[8] = 2 * count
    for (const [at, register] of registers.slice(0, count).entries())
      reply.writeUInt16BE(register, 9 + 2 * at)
    socket.write(reply)
  }

  const server = createServer((socket) => {
    if (!isUp()) return void socket.destroy()
    connections++
    open.add(socket)
    let waiting = Buffer.alloc(0)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
    socket.on('data', (data) => {
      waiting = Buffer.concat([waiting, data])
      for (; waiting.length >= 12; waiting = waiting.subarray(12))
        void answer(socket, waiting.subarray(0, 12))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  void cutting(open, isUp)
  return (server.address() as AddressInfo).port
}

async function cutting(open: ReadonlySet<Socket>, isUp: () => boolean): Promise<void> {
  for (;;) {
    await systemClock.sleep(100)
    if (!isUp()) for (const socket of open) socket.destroy()
  }
}

const healthy = await Promise.all(Array.from({ length: 20 }, () => open({})))
const slow = await open({ answerMs: 5_000 })
const flapping = await open({ isUp: () => systemClock.monotonic() % 4_000 < 2_000 })
process.stdout.write(`${JSON.stringify({ healthy, slow, flapping })}\n`)
