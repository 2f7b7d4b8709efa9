import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { createLog } from '../../core/log.ts'
import { systemRandom } from '../../core/random.ts'
import { openPrivateTokens, type PrivateTokens, type PrivateTokensConfig } from './index.ts'

const press = { clientId: 'press', since: 1 }
const oven = { clientId: 'oven', since: 1 }

async function start(settings: Partial<PrivateTokensConfig> = {}, clock = systemClock) {
  const dir = settings.dir ?? (await mkdtemp(join(tmpdir(), 'kv-')))
  if (!settings.dir) onTestFinished(() => rm(dir, { recursive: true }))
  const log = createLog('silent')
  const config = { dir, quota: 10_000_000, maxValueBytes: 1_000_000, ...settings }
  const kv = await openPrivateTokens({ clock, random: systemRandom, log }, config)
  let isOpen = true
  const close = async () => {
    if (isOpen) await kv[Symbol.asyncDispose]()
    isOpen = false
  }
  onTestFinished(close)
  return { dir, kv, close }
}

async function put(kv: PrivateTokens, owner: typeof press, relatedId: string, key: string, value: string) {
  await using upload = await kv.upload(owner, { relatedId, key })
  await upload.write(value)
  return await upload.commit({ relatedId, key }, 'put', {})
}

async function get(kv: PrivateTokens, owner: typeof press, relatedId: string, key: string) {
  const token = await kv.open(owner, { relatedId, key })
  if (!token) return undefined
  try {
    await token.check()
    return (await Array.fromAsync(token.value())).join('')
  } finally {
    token.close()
  }
}

/** Somebody who can write the file does this to it. */
function tamper(dir: string, sql: string): void {
  const db = new Database(join(dir, 'kv.db'))
  try {
    expect(db.prepare(sql).run().changes, sql).toBeGreaterThan(0)
  } finally {
    db.close()
  }
}

const chunksOnDisk = (dir: string): number => {
  const db = new Database(join(dir, 'kv.db'))
  try {
    return db.prepare<[], number>('SELECT count(*) FROM chunk').pluck().get() as number
  } finally {
    db.close()
  }
}

/** Three chunks, characters of two and four bytes on the seams. */
const long = 'aä😀'.repeat(28_000)

test('a value comes back whole after a restart, and neither it nor the key stands in kv.db', async () => {
  const { dir, kv, close } = await start()
  const secret = 'this is what nobody may read'
  await put(kv, press, 'related', 'key', secret + long)
  await put(kv, press, 'related', 'empty', '')
  await put(kv, press, 'related', 'bom', '\ufeffa')
  await close()
  expect((await stat(join(dir, 'kv.key'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(dir, 'kv.db'))).mode & 0o777).toBe(0o600)
  const file = await readFile(join(dir, 'kv.db'))
  expect(file.includes('related')).toBe(true)
  expect(file.includes(secret)).toBe(false)
  expect(file.includes('aä😀aä😀')).toBe(false)
  expect(file.includes(Buffer.from((await readFile(join(dir, 'kv.key'), 'utf8')).trim(), 'base64url'))).toBe(
    false,
  )
  const again = await start({ dir })
  expect(await get(again.kv, press, 'related', 'key')).toBe(secret + long)
  expect(await get(again.kv, press, 'related', 'empty')).toBe('')
  expect(await get(again.kv, press, 'related', 'bom')).toBe('\ufeffa')
})

test('whatever is changed in the file makes that token damaged, and no other', async () => {
  const chunkOf = (key: string) => `content = (SELECT content FROM token WHERE key = CAST('${key}' AS BLOB))`
  const named = (key: string) => `key = CAST('${key}' AS BLOB)`
  const changes: Record<string, string> = {
    zeroed: `UPDATE chunk SET sealed = zeroblob(length(sealed)) WHERE number = 1 AND ${chunkOf('zeroed')}`,
    short: `UPDATE chunk SET sealed = substr(sealed, 1, 10) WHERE number = 1 AND ${chunkOf('short')}`,
    gone: `DELETE FROM chunk WHERE number = 2 AND ${chunkOf('gone')}`,
    moved: `UPDATE chunk SET number = CASE number WHEN 0 THEN 5 ELSE 0 END WHERE number < 2 AND ${chunkOf('moved')}`,
    fewer: `UPDATE token SET chunks = 1, bytes = 65536 WHERE ${named('fewer')}`,
    renamed: `UPDATE token SET related_id = CAST('s' AS BLOB) WHERE ${named('renamed')}`,
    younger: `UPDATE token SET updated_at = 1 WHERE ${named('younger')}`,
    given: `UPDATE token SET owner = 2 WHERE ${named('given')}`,
  }
  const { dir, kv, close } = await start()
  for (const key of Object.keys(changes)) await put(kv, press, 'r', key, long)
  await put(kv, oven, 'r', 'other', 'fine')
  await close()
  for (const change of Object.values(changes)) tamper(dir, change)
  const again = await start({ dir })
  for (const key of Object.keys(changes)) {
    const owner = key === 'given' ? oven : press
    const related = key === 'renamed' ? 's' : 'r'
    const damaged = { code: 'token_damaged', statusCode: 500 }
    await expect(get(again.kv, owner, related, key), key).rejects.toMatchObject(damaged)
    await put(again.kv, owner, related, key, 'anew')
    expect(await get(again.kv, owner, related, key)).toBe('anew')
  }
  expect(await get(again.kv, oven, 'r', 'other')).toBe('fine')
})

test('a box whose apps keep nothing has neither the file nor what serves it', async () => {
  const { dir, kv } = await start()
  expect(await kv.list({ owner: press, from: 1, count: 10 })).toEqual({ heads: [], total: 0 })
  expect(await kv.usage()).toEqual([])
  expect(await kv.remove(press)).toBe(0)
  await kv.keepOnly([press])
  expect(await readdir(dir)).toEqual([])
  await put(kv, press, 'r', 'k', 'value')
  expect(await readdir(dir)).toContain('kv.db')
  expect(await kv.list({ owner: press, from: 1, count: 10 })).toMatchObject({ total: 1 })
})

test('one that is closed opens nothing any more', async () => {
  const { dir, kv, close } = await start()
  await close()
  await expect(put(kv, press, 'r', 'k', 'value')).rejects.toMatchObject({ code: 'kv_unreadable' })
  expect(await readdir(dir)).toEqual([])
})

test('a file that cannot be made is tried again after a while', async () => {
  let now = 0
  const { dir, kv } = await start({}, { ...systemClock, monotonic: () => now })
  await mkdir(join(dir, 'kv.db'))
  await expect(put(kv, press, 'r', 'k', 'v')).rejects.toMatchObject({ code: 'kv_unreadable' })
  expect(kv.fault).toMatchObject({ code: 'kv_unreadable' })
  await rm(join(dir, 'kv.db'), { recursive: true })
  await expect(put(kv, press, 'r', 'k', 'v')).rejects.toMatchObject({ code: 'kv_unreadable' })
  now = 10_001
  await Promise.all([put(kv, press, 'r', 'k', 'v'), put(kv, press, 'r', 'l', 'v')])
  expect(kv.fault).toBeUndefined()
  expect(await get(kv, press, 'r', 'k')).toBe('v')
})

test('two tokens whose contents were swapped are both damaged', async () => {
  const { dir, kv, close } = await start()
  await put(kv, press, 'r', 'a', 'of a')
  await put(kv, press, 'r', 'b', 'of b')
  await close()
  // Each takes all that the other one has but the name.
  tamper(dir, `UPDATE token SET key = CAST('c' AS BLOB) WHERE key = CAST('a' AS BLOB)`)
  tamper(dir, `UPDATE token SET key = CAST('a' AS BLOB) WHERE key = CAST('b' AS BLOB)`)
  tamper(dir, `UPDATE token SET key = CAST('b' AS BLOB) WHERE key = CAST('c' AS BLOB)`)
  const again = await start({ dir })
  await expect(get(again.kv, press, 'r', 'a')).rejects.toMatchObject({ code: 'token_damaged' })
  await expect(get(again.kv, press, 'r', 'b')).rejects.toMatchObject({ code: 'token_damaged' })
})

test('without its key the store says so, makes no other one, and can be emptied', async () => {
  const { dir, kv, close } = await start()
  await put(kv, press, 'r', 'k', 'value')
  await close()
  const key = await readFile(join(dir, 'kv.key'), 'utf8')
  await rm(join(dir, 'kv.key'))

  const locked = await start({ dir })
  const fault = { code: 'kv_key_missing', statusCode: 503, cure: expect.stringContaining('backup') }
  expect(locked.kv.fault).toMatchObject(fault)
  await expect(get(locked.kv, press, 'r', 'k')).rejects.toMatchObject(fault)
  await expect(locked.kv.upload(press)).rejects.toMatchObject(fault)
  await locked.close()
  await expect(readFile(join(dir, 'kv.key'))).rejects.toMatchObject({ code: 'ENOENT' })

  await writeFile(join(dir, 'kv.key'), `${Buffer.alloc(32).toString('base64url')}\n`)
  const wrong = await start({ dir })
  expect(wrong.kv.fault).toMatchObject({ code: 'kv_key_wrong' })
  await wrong.close()

  await writeFile(join(dir, 'kv.key'), key)
  const restored = await start({ dir })
  expect(await get(restored.kv, press, 'r', 'k')).toBe('value')
  await restored.close()

  await rm(join(dir, 'kv.key'))
  const emptied = await start({ dir })
  expect(await emptied.kv.remove(press)).toBe(1)
  await emptied.close()
  const fresh = await start({ dir })
  expect(fresh.kv.fault).toBeUndefined()
  await put(fresh.kv, press, 'r', 'k', 'new')
  expect(await get(fresh.kv, press, 'r', 'k')).toBe('new')
})

test('a file that is no database is a fault of the store alone', async () => {
  const { dir, close } = await start()
  await close()
  await writeFile(join(dir, 'kv.db'), 'no database '.repeat(1_000))
  const broken = await start({ dir })
  expect(broken.kv.fault).toMatchObject({ code: 'kv_unreadable', statusCode: 503 })
  await expect(broken.kv.usage()).rejects.toMatchObject({ code: 'kv_unreadable' })
})

test('who reads sees the value that he opened to its end, whoever replaces it; then it is cleared away', async () => {
  const { dir, kv } = await start()
  await put(kv, press, 'r', 'k', long)
  const opened = await kv.open(press, { relatedId: 'r', key: 'k' })
  if (!opened) throw new Error('not there')
  const pieces = opened.value()
  const first = (await pieces.next()).value as string
  await put(kv, press, 'r', 'k', 'short')
  expect(await kv.remove(press, 'r', 'k')).toBe(1)
  const rest = (await Array.fromAsync(pieces)).join('')
  expect(first + rest).toBe(long)
  expect(chunksOnDisk(dir)).toBeGreaterThanOrEqual(opened.head.chunks)
  opened.close()
  await vi.waitFor(() => expect(chunksOnDisk(dir)).toBe(0), { timeout: 15_000 })
})

test('an upload that ends early leaves nothing, and one that a crash has cut is cleared away by the next start', async () => {
  const { dir, kv, close } = await start()
  await put(kv, press, 'r', 'k', 'old')
  {
    await using upload = await kv.upload(press, { relatedId: 'r', key: 'k' })
    await upload.write(long)
  }
  await vi.waitFor(() => expect(chunksOnDisk(dir)).toBe(1), { timeout: 15_000 })
  expect(await get(kv, press, 'r', 'k')).toBe('old')
  await close()
  const db = new Database(join(dir, 'kv.db'))
  db.prepare('INSERT INTO chunk (content, number, sealed) VALUES (?, 0, ?)').run(
    Buffer.alloc(16),
    Buffer.alloc(9),
  )
  db.close()
  const again = await start({ dir })
  await vi.waitFor(() => expect(chunksOnDisk(dir)).toBe(1), { timeout: 15_000 })
  expect(await get(again.kv, press, 'r', 'k')).toBe('old')
})

test('uploads at once are counted together for the quota, and a replacement only for what it adds', async () => {
  const { kv } = await start({ quota: 500_000 })
  await put(kv, press, 'r', 'k', 'x'.repeat(300_000))
  await using replacing = await kv.upload(press, { relatedId: 'r', key: 'k' })
  await replacing.write('y'.repeat(300_000))
  await using one = await kv.upload(press)
  await one.write('z'.repeat(150_000))
  await using two = await kv.upload(press)
  await expect(two.write('z'.repeat(150_000))).rejects.toMatchObject({
    code: 'quota_exceeded',
    statusCode: 507,
  })
  await one.commit({ relatedId: 'r', key: 'one' }, 'create', {})
  await replacing.commit({ relatedId: 'r', key: 'k' }, 'put', {})
  expect(await kv.usage()).toMatchObject([{ clientId: 'press', tokens: 2, used: 450_000 + 2 + 4 + 2 * 128 }])
})

test('of two that create the same token one is told that it is there', async () => {
  const { kv } = await start()
  await using one = await kv.upload(press)
  await using two = await kv.upload(press)
  await one.write('one')
  await two.write('two')
  const name = { relatedId: 'r', key: 'k' }
  const outcomes = await Promise.allSettled([one.commit(name, 'create', {}), two.commit(name, 'create', {})])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  expect(outcomes[1]).toMatchObject({ reason: { code: 'token_exists', statusCode: 409 } })
  expect(await get(kv, press, 'r', 'k')).toBe('one')
})

test('tokens of who is no app any more go at once, whatever the state of the key', async () => {
  const { kv, dir, close } = await start()
  await put(kv, press, 'r', 'k', long)
  await put(kv, oven, 'r', 'k', 'kept')
  await close()
  await rm(join(dir, 'kv.key'))
  const locked = await start({ dir })
  await locked.kv.keepOnly([oven, { clientId: 'press', since: 2 }])
  expect(await locked.kv.usage()).toMatchObject([{ clientId: 'oven', tokens: 1 }])
  await vi.waitFor(() => expect(chunksOnDisk(dir)).toBe(1), { timeout: 15_000 })
})

test('space that was freed is given back to the disk', async () => {
  const { dir, kv } = await start()
  for (let at = 0; at < 6; at++) await put(kv, press, 'r', `${at}`, 'x'.repeat(1_000_000))
  const pages = (): number => {
    const db = new Database(join(dir, 'kv.db'))
    try {
      return db.pragma('page_count', { simple: true }) as number
    } finally {
      db.close()
    }
  }
  const full = pages()
  await kv.remove(press)
  await vi.waitFor(() => expect(pages()).toBeLessThan(full / 2), { timeout: 15_000 })
})

test('an app that writes very much at once leaves room for the others', async () => {
  const { kv } = await start()
  await using held = new AsyncDisposableStack()
  for (let at = 0; at < 16; at++) held.use(await kv.upload(press))
  await expect(kv.upload(press)).rejects.toMatchObject({ code: 'too_many_uploads', statusCode: 503 })
  expect(await put(kv, oven, 'a', 'b', 'value')).toMatchObject({ isNew: true })
  await held[Symbol.asyncDispose]()
  expect(await put(kv, press, 'a', 'b', 'value')).toMatchObject({ isNew: true })
})
