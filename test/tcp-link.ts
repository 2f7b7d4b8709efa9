import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A piece of network between two real programs that can be broken. */
export interface TcpLink extends AsyncDisposable {
  /** `host:port` that leads to the far side. */
  readonly address: string
  /** Connections accepted so far. */
  accepted(): number
  /** Ends the connections there are. */
  cut(): void
  /** While it is down, connections are ended at once. */
  setDown(down: boolean): void
  /** While set, what the far side answers gets lost; what it is sent arrives. */
  setDeafened(deafened: boolean): void
}

export async function tcpLink(farSide: string): Promise<TcpLink> {
  const { hostname, port } = new URL(farSide)
  const pairs = new Set<[near: Socket, far: Socket]>()
  let down = false
  let deafened = false
  let accepted = 0

  const server = createServer((near) => {
    near.on('error', () => {})
    if (down) return void near.destroy()
    accepted++
    const far = connect(Number(port), hostname)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    far.on('error', () => {})
    near.on('data', (data) => far.write(data))
    far.on('data', (data) => void (deafened || near.write(data)))
    for (const socket of pair)
      socket.on('close', () => {
        near.destroy()
        far.destroySoon() // what has been sent on the way up still arrives
        pairs.delete(pair)
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const cut = () => {
    for (const [near] of pairs) near.destroy()
  }
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted: () => accepted,
    cut,
    setDown(next) {
      down = next
      if (down) cut()
    },
    setDeafened(next) {
      deafened = next
    },
    async [Symbol.asyncDispose]() {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}
