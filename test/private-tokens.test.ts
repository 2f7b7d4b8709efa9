import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { edgeward, eventually, type Gateway, startGateway, tempDir } from './harness.ts'

/** Private tokens of an app through the real daemon: its memory, and its death in the middle of a write. */

const megabyte = 1024 * 1024
const maxValue = 16 * megabyte

const held = new AsyncDisposableStack()
let stateDir: string
let gateway: Gateway
let headers: Record<string, string>
beforeAll(async () => {
  stateDir = held.use(await tempDir()).path
  // On a large machine V8 lets garbage lie; a small box has no room for that, and what is held shows.
  gateway = await startGateway(stateDir, { NODE_OPTIONS: '--max-old-space-size=192' })
  held.defer(() => gateway.stop())
  const { client_secret } = await gateway.operate<{ client_secret: string }>('app.add', {
    name: 'press',
    version: '1',
  })
  headers = { authorization: `Basic ${Buffer.from(`press:${client_secret}`).toString('base64')}` }
})
afterAll(() => held.disposeAsync())

const ask = (method: string, key: string): ClientRequest => {
  const url = new URL(`/api/rest/v1/token/r/${key}`, gateway.addresses.auth)
  const json = method === 'PUT' ? { 'content-type': 'application/json' } : {}
  const asked = request(url, { method, headers: { ...headers, ...json }, agent: false })
  asked.on('error', () => {}) // the daemon may be killed under it
  return asked
}

const piece = (letter: string) => Buffer.alloc(65_536, letter)

/** Sends so many bytes of one letter as the value, never faster than they are taken. */
async function send(put: ClientRequest, letter: string, bytes: number): Promise<void> {
  put.write('{"value":"')
  for (let left = bytes; left > 0; left -= 65_536)
    if (!put.write(piece(letter).subarray(0, left)) && !put.destroyed) await drained(put)
}

async function drained(put: ClientRequest): Promise<void> {
  const over = new AbortController()
  const { signal } = over
  await Promise.race([once(put, 'drain', { signal }), once(put, 'close', { signal })]).catch(() => {})
  over.abort()
}

async function put(key: string, letter: string, bytes: number): Promise<{ status: number; text: string }> {
  const asked = ask('PUT', key)
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>
  await send(asked, letter, bytes)
  asked.end('"}')
  const [answer] = await answered
  return { status: answer.statusCode as number, text: Buffer.concat(await answer.toArray()).toString() }
}

/** Reads a value of one letter without keeping it; how many of it there are. */
async function count(key: string, letter: string): Promise<number> {
  const asked = ask('GET', key)
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  expect(answer.statusCode).toBe(200)
  const wanted = letter.charCodeAt(0)
  let found = 0
  let text = ''
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    for (const byte of chunk) if (byte === wanted) found++
    if (text.length < 200) text += chunk.subarray(0, 200).toString()
  }
  expect(text).toContain(`"value":"${letter}`)
  return found
}

const memory = async (field: string): Promise<number> => {
  const status = await readFile(`/proc/${gateway.process.pid}/status`, 'utf8')
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024
}

test('a value has 16 MiB, and not one byte more', async () => {
  expect((await put('most', 'M', maxValue)).status).toBe(201)
  expect(await count('most', 'M')).toBe(maxValue)
  const more = await put('more', 'M', maxValue + 1)
  expect(JSON.parse(more.text)).toMatchObject({
    ...{ status: 413, code: 'value_too_large', detail: 'the value has more than 16777216 bytes of UTF-8' },
  })
  expect(await gateway.operate('kv.list', { app: 'press' })).toMatchObject({ totalResults: 1 })
})

test('ten such values at once are not held in memory, on their way in or out', async () => {
  const keys = Array.from({ length: 10 }, (_, at) => `ten-${at}`)
  await put('warm', 'W', maxValue)
  await count('warm', 'W')
  const before = await memory('VmRSS')
  await writeFile(`/proc/${gateway.process.pid}/clear_refs`, '5') // the peak is that from now on
  const written = await Promise.all(keys.map((key) => put(key, 'Q', maxValue)))
  expect(written.map(({ status }) => status)).toEqual(keys.map(() => 201))
  const afterPut = await memory('VmHWM')
  expect(await Promise.all(keys.map((key) => count(key, 'Q')))).toEqual(keys.map(() => maxValue))
  const afterGet = await memory('VmHWM')
  const grown = (bytes: number) => Math.round((bytes - before) / megabyte)
  process.stdout.write(
    `ten values of 16 MiB: RSS ${Math.round(before / megabyte)} MiB, peak +${grown(afterPut)} MiB in, +${grown(afterGet)} MiB in and out\n`,
  )
  expect(grown(afterGet)).toBeLessThan(160)
})

test('who does not read on makes the box wait, and holds up nobody', async () => {
  const before = await memory('VmRSS')
  const slow = await Promise.all(
    Array.from({ length: 10 }, async (_, at) => {
      const asked = ask('GET', `ten-${at}`)
      asked.end()
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      answer.on('error', () => {})
      answer.pause()
      return answer
    }),
  )
  expect(await count('most', 'M')).toBe(maxValue)
  expect((await memory('VmRSS')) - before).toBeLessThan(160 * megabyte)
  for (const answer of slow) answer.destroy()
  expect((await put('most', 'M', 10)).status).toBe(200)
  expect(await count('most', 'M')).toBe(10)
})

test('a daemon that is killed in a write has the old value or the new one', async () => {
  const size = 2 * megabyte
  expect((await put('cut', 'A', size)).status).toBe(201)
  let current = 'A'
  const outcomes: string[] = []
  for (const [at, point] of [0.5, 'ended', 10, 40, 'answered'].entries()) {
    const next = String.fromCharCode('B'.charCodeAt(0) + at)
    const asked = ask('PUT', 'cut')
    const answered = once(asked, 'response').catch(() => {})
    const isHalf = point === 0.5
    await send(asked, next, isHalf ? size / 2 : size)
    if (!isHalf) asked.end('"}')
    if (typeof point === 'number') await systemClock.sleep(point)
    if (point === 'answered') await answered
    await gateway.stop('SIGKILL')
    asked.destroy()
    gateway = await startGateway(stateDir)
    const isNew = (await text('cut')).startsWith(`{"relatedId":"r","key":"cut","value":"${next}`)
    if (point === 'answered') expect(isNew).toBe(true)
    if (isHalf) expect(isNew).toBe(false)
    if (isNew) current = next
    expect(await count('cut', current)).toBe(size)
    outcomes.push(`${point}: ${isNew ? 'new' : 'old'}`)
  }
  process.stdout.write(`killed at ${outcomes.join(', ')}\n`)
  await eventually('what the cut uploads left is cleared away', async () => {
    const { apps } = await gateway.operate<{ apps: { tokens: number }[] }>('kv.quota')
    return apps.length === 1 && apps[0]?.tokens === 13
  })
})

async function text(key: string): Promise<string> {
  const asked = ask('GET', key)
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return Buffer.concat(await answer.toArray()).toString()
}

test('the commands list, show and remove tokens, with the daemon or without it', async () => {
  await put('from-app', 'Z', 5)
  const run = (...args: string[]) => edgeward([...args, '--state-dir', stateDir])
  expect((await run('kv', 'show', 'press', 'r', 'from-app')).stdout).toBe('ZZZZZ\n')
  expect((await run('kv', 'list', 'press', '--filter', 'key eq "from-app"')).stdout).toMatch(
    /^APP +RELATED ID +KEY +BYTES +UPDATED\npress +r +from-app +5 +2/,
  )
  const page = await run('kv', 'list', 'press', '--count', '2')
  expect(page.stdout).toContain('2 of 14; go on with --start 2')
  expect((await run('kv', 'remove', 'press')).code).toBe(2)
  expect((await run('kv', 'quota')).stdout).toMatch(/quota of an app +268435456 bytes[\s\S]*press +14 /)
  await gateway.stop()
  expect((await run('kv', 'remove', 'press', 'r', 'from-app')).stdout).toBe('1 removed\n')
  expect(JSON.parse((await run('kv', 'remove', 'press', '--all', '--json')).stdout)).toEqual({ removed: 13 })
  expect((await run('kv', 'list')).stdout).toBe('no tokens\n')
  gateway = await startGateway(stateDir)
})
