import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { socketHolders } from './processes.ts'
import { isInTheWay, type Listening, listeningSockets } from './sockets.ts'

test.each(['127.0.0.1', '0.0.0.0', '::1', '::'])('a listener on %s is seen, and who has it', async (host) => {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const found = (await listeningSockets())?.find((socket) => socket.port === port)
  expect(found).toMatchObject({ address: host, port })
  const inode = (found as Listening).inode
  expect((await socketHolders(new Set([inode]))).get(inode)).toBe(process.pid)
  server.close()
})

const at = (address: string): Listening => ({ address, port: 1883, inode: '1' })

test.each<[taken: string, wanted: string, inTheWay: boolean]>([
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', 'localhost', true],
  ['127.0.0.1', '127.0.0.2', false],
  ['0.0.0.0', '127.0.0.1', true],
  ['127.0.0.1', '0.0.0.0', true],
  ['::', '127.0.0.1', true],
  ['192.0.2.1', '::', true],
  ['0.0.0.0', '::1', false],
  ['fd00::2', 'FD00:0::2', true],
])('a listener on %s and one wanted on %s: in the way %s', (taken, wanted, inTheWay) => {
  expect(isInTheWay(at(taken), wanted, 1883)).toBe(inTheWay)
  expect(isInTheWay(at(taken), wanted, 1884)).toBe(false)
})
