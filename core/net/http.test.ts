import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Invalid } from '../errors.ts'
import { openNetwork } from './network.ts'
import { refusePlaintext } from './plaintext.ts'
import { Unreachable } from './unreachable.ts'

async function serving(listener: RequestListener): Promise<Server & AsyncDisposable & { url: string }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(server, {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

const { http } = openNetwork()

test('any status is an answer, and a redirect is not followed', async () => {
  await using server = await serving((_request, response) =>
    response.writeHead(302, { location: '/x' }).end('moved'),
  )
  const { status, body } = await http({ method: 'GET', url: server.url })
  expect([status, body.toString()]).toEqual([302, 'moved'])
})

test('an encoded answer is refused, never decoded', async () => {
  await using server = await serving((request, response) => {
    expect(request.headers['accept-encoding']).toBe('identity')
    response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync('hello'))
  })
  await expect(http({ method: 'GET', url: server.url })).rejects.toMatchObject({
    code: 'unreachable',
    step: 'answer',
  })
})

test('nobody listening, no answer in time and half an answer are told apart', async () => {
  await using silent = await serving(() => {})
  await using half = await serving((_request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('half')
    setTimeout(() => response.destroy(), 10)
  })
  const gone = await serving(() => {})
  await gone[Symbol.asyncDispose]()
  await expect(http({ method: 'GET', url: gone.url })).rejects.toMatchObject({ step: 'connect', exitCode: 5 })
  await expect(http({ method: 'GET', url: silent.url, timeoutMs: 50 })).rejects.toMatchObject({
    step: 'timeout',
  })
  await expect(http({ method: 'GET', url: half.url })).rejects.toBeInstanceOf(Unreachable)
  await expect(http({ method: 'GET', url: 'https://no-such-host.invalid/' })).rejects.toMatchObject({
    step: 'resolve',
  })
})

test('an abort is told as the abort, not as a network failure', async () => {
  await using silent = await serving(() => {})
  const stop = new AbortController()
  const waiting = http({ method: 'GET', url: silent.url, signal: stop.signal })
  stop.abort(new Error('stopped'))
  await expect(waiting).rejects.toThrow('stopped')
})

test('clear text leaves the machine under no scheme', () => {
  for (const url of [
    'http://10.0.0.1/',
    'mqtt://plant.example:1883',
    'http://127.0.0.1.example.org/',
    'ftp://127.0.0.1/',
  ])
    expect(() => refusePlaintext(new URL(url)), url).toThrow(Invalid)
  for (const url of [
    'http://127.0.0.1:1/',
    'mqtt://localhost:1883',
    'http://[::1]/',
    'https://10.0.0.1/',
    'mqtts://x',
  ])
    expect(() => refusePlaintext(new URL(url)), url).not.toThrow()
})
