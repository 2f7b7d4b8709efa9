import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { statusCode } from '../../../protocol/reading.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { planSources } from '../configuration.ts'
import { readCredential } from '../places.ts'
import type { SourceContext } from '../source.ts'
import { testContext } from '../test-context.ts'
import { http } from './index.ts'

async function serving(listener: RequestListener) {
  const asked: (Pick<IncomingMessage, 'method' | 'url' | 'headers'> & { body: string })[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method, url, headers } = request
    asked.push({ method, url, headers, body })
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

type Point = [type: string, custom: Record<string, unknown>]

function source(custom: Record<string, unknown>, points: Point[], given: Partial<SourceContext> = {}) {
  const clock = manualClock(5_000)
  const { context, stored, reported } = testContext({ clock, ...given })
  const running = http.create(
    {
      custom,
      points: points.map(([type, place], at) => ({ id: `p${at}`, type: type as 'INT', custom: place })),
    },
    context,
  )
  const stop = new AbortController()
  const ended = running.run(stop.signal).catch(() => {})
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  const read = async (count: number) => {
    await vi.waitFor(() => expect(stored).toHaveLength(count), { interval: 5, timeout: 5_000 })
    return stored
  }
  return { clock, stored, reported, read }
}

test('a document is read on schedule: values by pointer, a list of values with their times', async () => {
  let turn = 0
  const server = await serving((_request, response) =>
    response.end(
      JSON.stringify({
        t: ++turn,
        list: [
          { value: 1, time: 10 },
          { value: 2, time: 20 },
        ],
      }),
    ),
  )
  const { read, clock, reported } = source({ url: `${server.url}/a?b=c`, interval: '2s' }, [
    ['INT', { pointer: '/t' }],
    ['INT', { pointer: '/list' }],
  ])
  expect(await read(3)).toEqual([
    { point: 'p0', value: 1, quality: 0, time: 5_000 },
    { point: 'p1', value: 1, quality: 0, time: 10 },
    { point: 'p1', value: 2, quality: 0, time: 20 },
  ])
  await clock.advance(2_000)
  expect((await read(6))[3]).toMatchObject({ point: 'p0', value: 2, time: 7_000 })
  expect(server.asked[0]).toMatchObject({ method: 'GET', url: '/a?b=c' })
  expect(reported.at(-1)).toEqual({ at: 'connected' })
})

test('plain text is a value, and POST sends a body with headers of the configuration and of a file', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-http-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await writeFile(join(dir, 'meter'), 'Authorization: Bearer s3cret\nX-Key: 7\n')
  const server = await serving((_request, response) => response.end('21.5\n'))
  const { read } = source(
    { url: server.url, method: 'POST', body: '{"q":1}', headers: { 'X-Plant': 'a' }, credential: 'meter' },
    [['DOUBLE', {}]],
    { credential: (name) => readCredential(dir, name) },
  )
  expect(await read(1)).toMatchObject([{ value: 21.5, quality: 0 }])
  expect(server.asked[0]).toMatchObject({
    method: 'POST',
    body: '{"q":1}',
    headers: { authorization: 'Bearer s3cret', 'x-key': '7', 'x-plant': 'a' },
  })
})

test.each([
  [401, statusCode.badUserAccessDenied],
  [404, statusCode.badNotFound],
  [418, statusCode.badConfigurationError],
  [429, statusCode.badResourceUnavailable],
  [500, statusCode.badDeviceFailure],
])('an answer %i makes the points Bad once and says why', async (status, quality) => {
  const server = await serving((_request, response) => response.writeHead(status).end('{"v":1}'))
  const { read, reported } = source({ url: server.url }, [['INT', { pointer: '/v' }]])
  expect(await read(1)).toEqual([
    { point: 'p0', value: null, quality, reason: `http_${status}`, time: 5_000 },
  ])
  expect(reported.at(-1)).toMatchObject({
    at: 'failing',
    message: expect.stringContaining(`answers ${status}`),
  })
})

test('a redirect on the same server is followed, to another one the secret does not go', async () => {
  const other = await serving((_request, response) => response.end('2'))
  const server = await serving(({ url }, response) => {
    if (url === '/') response.writeHead(302, { location: '/value' }).end()
    else if (url === '/value') response.end('1')
    else response.writeHead(307, { location: other.url }).end()
  })
  expect(await source({ url: server.url }, [['INT', {}]]).read(1)).toMatchObject([{ value: 1 }])
  const away = source({ url: `${server.url}/away` }, [['INT', {}]])
  expect(await away.read(1)).toMatchObject([{ value: null, reason: 'http_307' }])
  expect(other.asked).toEqual([])
})

test('an endless redirect, a silent server and an answer without end are given up', async () => {
  const server = await serving(({ url }, response) => {
    if (url === '/round') response.writeHead(302, { location: '/round' }).end()
    else if (url === '/large') response.end(Buffer.alloc(1024 * 1024 + 1, '1'))
  })
  expect(await source({ url: `${server.url}/round` }, [['INT', {}]]).read(1)).toMatchObject([
    { reason: 'http_302' },
  ])
  expect(server.asked).toHaveLength(4)
  expect(await source({ url: `${server.url}/large` }, [['INT', {}]]).read(1)).toMatchObject([
    { reason: 'unreachable_answer', quality: statusCode.badCommunicationError },
  ])
  const silent = source({ url: `${server.url}/silent`, timeout: '100ms' }, [['INT', {}]])
  await vi.waitFor(() => expect(server.asked).toHaveLength(6))
  await silent.clock.advance(100)
  expect(await silent.read(1)).toMatchObject([{ quality: statusCode.badTimeout }])
})

test('a configuration is refused with each of its faults', () => {
  const faults = (customData: object) => {
    try {
      planSources(
        [
          {
            name: 's',
            dataPoints: [{ id: 'a', name: 'a', type: 'INT', customData: { pointer: 'x' } }],
            customData: { protocol: 'http', ...customData },
          },
        ],
        { minIntervalMs: 1_000 },
      )
      return []
    } catch (error) {
      return (error as { details: string[] }).details.map((line) => line.replace('dataSources[0].', ''))
    }
  }
  expect(faults({ url: 'http://meter.plant/', clearText: true }).join()).not.toContain('url')
  expect(faults({ url: 'http://meter.plant/' })[0]).toContain(
    'customData.url: http://meter.plant would go over',
  )
  expect(
    faults({ url: 'https://u:p@m/', interval: '1ms', body: 'x', headers: { Host: 'a', Cookie: 'b' } }).map(
      (line) => line.split(':')[0],
    ),
  ).toEqual([
    'customData.url',
    'customData.body',
    'customData.interval',
    'customData.headers.Host',
    'customData.headers.Cookie',
    'dataPoints[0].customData.pointer',
  ])
  expect(faults({ url: 'https://m/', headers: { 'a b': 'c' } })).not.toEqual([])
  expect(faults({ url: 'https://m/', headers: { a: 'b\r\nc: d' } })).not.toEqual([])
  expect(faults({ url: 'https://m/', credential: '../shadow' })).not.toEqual([])
})
