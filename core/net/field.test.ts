import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openNetwork } from './network.ts'

async function listening(): Promise<number> {
  const server = createServer((socket) => socket.pipe(socket).on('error', () => {}))
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

test('a device is reached in clear text and past the proxy', async () => {
  const { connectField } = openNetwork(undefined, { proxyUrl: 'http://127.0.0.1:1' })
  const socket = await connectField({ host: 'localhost', port: await listening() }, { timeoutMs: 5_000 })
  socket.write('modbus')
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toBe('modbus')
  socket.destroy()
})

test('what keeps it from a device is told: the name, the port', async () => {
  const { connectField } = openNetwork()
  const port = await listening()
  const to = (host: string, at: number) => connectField({ host, port: at }, { timeoutMs: 5_000 })
  await expect(to('no-such-host.invalid', port)).rejects.toMatchObject({ step: 'resolve' })
  await expect(to('::1', 1)).rejects.toThrow(/^\[::1\]:1 cannot be reached \(connect\)/)
})

test('an abort is told as the abort', async () => {
  const { connectField } = openNetwork()
  const options = { timeoutMs: 5_000, signal: AbortSignal.abort(new Error('stopped')) }
  await expect(connectField({ host: '127.0.0.1', port: 1 }, options)).rejects.toThrow('stopped')
})
