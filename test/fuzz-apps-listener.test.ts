import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gateway, startGateway, tempDir } from './harness.ts'

/**
 * Whatever is sent to whatever route, the daemon gives one of the answers it has, keeps its size and
 * lives. FUZZ_REQUESTS=100000 FUZZ_SEED=7 for more, and for others.
 */
const requests = Number(process.env.FUZZ_REQUESTS ?? 1_000)
const seed = Number(process.env.FUZZ_SEED ?? 20_261_122)

const defined = new Set([
  ...[
    '200',
    '204',
    '302',
    '303',
    '400',
    '401',
    '403',
    '404',
    '405',
    '408',
    '411',
    '413',
    '414',
    '415',
    '417',
  ],
  ...['429', '431', '503', 'closed'],
])
/** What a test process may grow by without holding on to what it was sent. */
const growthBytes = 128 * 1024 * 1024

const held = new AsyncDisposableStack()
let gateway: Gateway
let socket: string
let urls: string[]
let goodToken: string
beforeAll(async () => {
  const { path } = held.use(await tempDir())
  gateway = held.use(await startGateway(path))
  socket = join(path, 'run/proxy.sock')
  await gateway.operate('user.add', { name: 'ann', roles: ['Operator'], password: 'correct horse battery' })
  await gateway.operate('app.add', { name: 'press', version: '1' })
  await gateway.operate('app.set', { name: 'press', path: '/press/', upstream: 'http://127.0.0.1:9' })
  const line = gateway
    .log()
    .split('\n')
    .find((text) => text.includes('who may call what on the apps'))
  const { routes } = JSON.parse(line as string) as { routes: { url: string }[] }
  urls = [...new Set(routes.map(({ url }) => url))]
  const login = '{"username":"ann","password":"correct horse battery"}'
  const answer = await exchange(
    'tcp',
    request('POST', '/device/edge/api/v1/login/direct', [['content-type', 'application/json']], login),
  )
  goodToken = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).access_token
})
afterAll(() => held.disposeAsync())

type Header = readonly [string, string]

function request(method: string, target: string, headers: readonly Header[], body: string): Buffer {
  const content = Buffer.from(body)
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const length = /^(content-length|transfer-encoding):/im.test(lines)
    ? ''
    : `content-length: ${content.length}\r\n`
  const head = `${method} ${target} HTTP/1.1\r\nhost: box\r\nconnection: close\r\n${lines}${length}\r\n`
  return Buffer.concat([Buffer.from(head), content])
}

const junk = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 64 }),
  fc.string({ maxLength: 64 }),
  fc.constantFrom(
    '',
    '\u0000',
    '%00',
    '../'.repeat(8),
    '%2e%2e%2f',
    '{{7*7}}',
    "' OR 1=1 --",
    '\ud83d\ude00',
    '[]',
    'null',
  ),
)
/** Headers and targets end where their line ends. */
const oneLine = junk.map((text) => text.replaceAll(/[\r\n]/g, ' '))
const long = fc.integer({ min: 1, max: 20_000 }).map((length) => 'a'.repeat(length))

const method = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('GET', 'POST') },
  fc.constantFrom('HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY', 'get', 'X-Y'),
)
const target = (known: readonly string[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...known) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom(...known), oneLine)
        .map(([url, more]) => `${url}?rd=${encodeURIComponent(more.toWellFormed())}`),
    },
    fc
      .tuple(
        fc.constantFrom(...known),
        fc.constantFrom('/', '//', '/..', '%2f', ';x', '?', '?mode=redirect&mode=x', '#'),
      )
      .map((parts) => parts.join('')),
    fc.tuple(fc.constantFrom(...known), long).map(([url, more]) => `${url}?${more}`),
    oneLine.map((text) => `/${text.replaceAll(' ', '')}`),
    fc.constantFrom('*', '/', 'http://box/device/edge/auth/login', '/press/x', '/api/v1/sessions'),
  )
const header = (token: string): fc.Arbitrary<Header> =>
  fc.oneof(
    fc.tuple(
      fc.constant('content-type'),
      fc.constantFrom(
        'application/json',
        'application/x-www-form-urlencoded',
        'text/plain',
        'multipart/form-data; boundary=x',
        'application/json; charset=utf-16',
        ';',
      ),
    ),
    fc.tuple(fc.constant('content-encoding'), fc.constantFrom('br', 'gzip', 'identity', 'deflate', 'x')),
    fc.tuple(
      fc.constantFrom('authorization', 'x-auth-user'),
      fc.oneof(
        oneLine.map((text) => `Basic ${Buffer.from(text).toString('base64')}`),
        oneLine.map((text) => `Bearer ${text}`),
        fc.constant(`Bearer ${token}`),
      ),
    ),
    fc.tuple(
      fc.constant('cookie'),
      fc.oneof(
        oneLine,
        oneLine.map((text) => `access_token=${text}; edgeward_login=${text}`),
        fc.constant(`access_token=${token}`),
      ),
    ),
    fc.tuple(
      fc.constantFrom('x-forwarded-uri', 'x-original-uri'),
      fc.oneof(oneLine, fc.constantFrom('/press/', '/press/../', '/')),
    ),
    fc.tuple(
      fc.constantFrom(
        'x-forwarded-for',
        'x-forwarded-method',
        'x-forwarded-host',
        'x-edgeward-proxy',
        'origin',
        'sec-fetch-site',
        'sec-fetch-mode',
        'accept',
        'accept-language',
        'user-agent',
        'x-request-id',
      ),
      oneLine,
    ),
    fc.tuple(fc.constant('upgrade'), fc.constantFrom('websocket', 'h2c')),
    fc.tuple(fc.constant('expect'), fc.constantFrom('100-continue', 'x')),
    fc.tuple(fc.constant('content-length'), fc.constantFrom('0', '5', '-1', '99999999', '1, 2')),
    fc.tuple(fc.constant('transfer-encoding'), fc.constantFrom('chunked', 'gzip, chunked', 'x')),
    fc.tuple(oneLine, oneLine),
    fc.tuple(fc.constant('x-long'), long),
  )
const body = fc.oneof(
  junk,
  fc.json(),
  fc
    .dictionary(
      fc.constantFrom(
        'username',
        'password',
        'token',
        'client_id',
        'client_secret',
        'grant_type',
        'form_token',
        'rd',
        'code',
        '__proto__',
        'client_assertion',
        'ticket',
      ),
      junk,
      { maxKeys: 5 },
    )
    .map((fields) => JSON.stringify(fields)),
  fc
    .array(
      fc.tuple(
        fc.constantFrom(
          'username',
          'password',
          'token',
          'client_id',
          'client_secret',
          'grant_type',
          'rd',
          'form_token',
          'scope',
          'constructor',
        ),
        junk,
      ),
      { maxLength: 6 },
    )
    .map((pairs) =>
      new URLSearchParams(
        pairs.map(([name, text]) => [name, text.toWellFormed()] as [string, string]),
      ).toString(),
    ),
  fc.constantFrom(
    '{"username":{"__proto__":null},"password":[]}',
    '['.repeat(5_000),
    '5\r\nhello\r\n0\r\n\r\n',
    'zz\r\n',
    'token=%',
    'token=a&token=b',
  ),
  fc.integer({ min: 60_000, max: 70_000 }).map((length) => `token=${'a'.repeat(length)}`),
)

async function exchange(via: 'tcp' | 'proxy', sent: Buffer): Promise<string> {
  const { hostname, port } = new URL(gateway.addresses.auth)
  const near = via === 'tcp' ? connect(Number(port), hostname) : connect(socket)
  const { promise, resolve } = Promise.withResolvers<string>()
  let text = ''
  near.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  near.on('error', () => {}) // a refused body breaks the connection
  near.on('close', () => resolve(text))
  near.write(sent)
  near.setTimeout(500, () => near.destroy()) // it waits for a body that does not come; so does Node, for longer
  return promise
}

const statusOf = (answer: string): string => /^HTTP\/1\.1 (?!100)(\d{3})/m.exec(answer)?.[1] ?? 'closed'

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${gateway.process.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

test(`${requests} requests of any kind get defined answers, and leave no trace`, {
  timeout: 60_000 + requests * 40,
}, async () => {
  const one = fc.record({
    ...{ via: fc.constantFrom('tcp' as const, 'proxy' as const), method, target: target(urls), body },
    headers: fc.array(header(goodToken), { maxLength: 5 }),
  })
  const all = fc.sample(one, { numRuns: requests, seed })
  type Asked = (typeof all)[number]
  const counts = new Map<string, number>()
  const send = async ({ via, ...asked }: Asked): Promise<void> => {
    const status = statusOf(
      await exchange(via, request(asked.method, asked.target, asked.headers, asked.body)),
    )
    counts.set(status, (counts.get(status) ?? 0) + 1)
    expect(defined, `seed ${seed}: ${JSON.stringify({ via, ...asked }).slice(0, 2_000)}`).toContain(status)
  }
  const sendAll = async (part: readonly Asked[]): Promise<void> => {
    const left = part.values()
    const sender = async () => {
      for (const asked of left) await send(asked)
    }
    await Promise.all(Array.from({ length: 32 }, sender))
  }
  // The first half fills caches and the heap; what then keeps growing has no bound.
  const half = all.length / 2
  await sendAll(all.slice(0, half))
  const before = await residentBytes()
  await sendAll(all.slice(half))

  expect(gateway.process.exitCode).toBeNull()
  expect(gateway.log()).not.toMatch(/request failed|unhandled|uncaught/i)
  expect((await residentBytes()) - before).toBeLessThan(growthBytes)
  for (const status of ['200', '400', '401', '403', '404', '405', '413', '415'])
    expect([...counts.keys()]).toContain(status)
  const alive = await exchange('tcp', request('GET', '/device/edge/auth/login', [], ''))
  expect(statusOf(alive)).toBe('200')
})
