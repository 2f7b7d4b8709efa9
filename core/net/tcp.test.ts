import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { addressesOf, dial } from './tcp.ts'
import { unreachable } from './unreachable.ts'

const forever = new AbortController().signal
const at = (...addresses: string[]) => addresses.map((address) => ({ address, family: 4 }))

async function listening(): Promise<number> {
  const server = createServer((socket) => void socket.on('error', () => {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

test('every address of a name is tried until one answers', async () => {
  const socket = await dial(at('127.0.0.7', '127.0.0.8', '127.0.0.1'), await listening(), forever)
  expect(socket.remoteAddress).toBe('127.0.0.1')
  socket.destroy()
})

test('when none answers, each is named', async () => {
  const port = await listening()
  const failure = await dial(at('127.0.0.7', '127.0.0.8'), port, forever).catch((error) => error)
  expect(unreachable('hub', failure)).toMatchObject({
    step: 'connect',
    message: expect.stringMatching(/127\.0\.0\.7.*127\.0\.0\.8/),
  })
})

test('an address is its own answer, and a name is not waited for after an abort', async () => {
  expect(await addressesOf('fd00::1', forever)).toEqual([{ address: 'fd00::1', family: 6 }])
  const stop = new AbortController()
  const waiting = addressesOf('no-such-host.invalid', stop.signal)
  stop.abort(new Error('stopped'))
  await expect(waiting).rejects.toThrow('stopped')
})
