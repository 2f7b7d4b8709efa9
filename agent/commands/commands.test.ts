import { readFileSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Disk } from '../../core/files.ts'
import { me, message, settled, startBox } from './test-box.ts'

const real: Disk = { open, readFile, rename, rm }
const isConfirmed = (dir: string): boolean =>
  readFileSync(join(dir, '1.json'), 'utf8').includes('"confirmed":true')
/** Not what is being written. */
const kept = async (dir: string): Promise<string[]> =>
  (await readdir(dir)).filter((name) => name.endsWith('.json'))
const never = new Promise<never>(() => {})

test('a command is done once, however often it comes, and answered each time', async () => {
  const box = await startBox()
  const life = await box.live()
  await life.commands.receive(message('rotate'), me)
  await settled(() => life.states().includes('executed'))
  await life.commands.receive(message('rotate'), me)
  await settled(() => life.states().filter((state) => state === 'executed').length === 2)
  expect(box.work.rotations).toBe(1)
  expect(life.updates.at(-1)).toMatchObject({ requestId: 'm-a', data: { jobId: 'a', status: 'EXECUTED' } })

  life.end()
  const next = await box.live()
  await next.commands.receive(message('rotate'), me)
  await settled(() => next.states().includes('executed'))
  expect(box.work.rotations).toBe(1)
  expect(box.audited).toEqual([{ jobId: 'a', kind: 'rotate', state: 'executed', askedBy: 'ann', agent: me }])
})

test('one that is stuck ends at its deadline; those behind it expire or get their turn', async () => {
  const box = await startBox()
  box.work.rotate = () => never
  const life = await box.live()
  await life.commands.receive(message('rotate', { id: 'stuck', ms: 5_000 }), me)
  await life.commands.receive(message('rotate', { id: 'late', ms: 2_000 }), me)
  await life.commands.receive(message('configuration', { id: 'patient' }), me)
  await settled(() => life.states('stuck').includes('executing'))
  await box.clock.advance(2_000)
  await settled(() => life.states('late').at(-1) === 'expired')
  expect(life.states('stuck').at(-1)).toBe('executing')
  await box.clock.advance(3_000)
  await settled(() => life.states('patient').at(-1) === 'executed')
  expect(life.updates.find(({ data }) => data.response.state === 'failed')).toMatchObject({
    data: { jobId: 'stuck', status: 'FAILED', response: { code: 'timed_out' } },
  })
  expect(box.work.rotations).toBe(1)
})

test('what waited over a start is done when the hub says that it still holds, and else expires', async () => {
  const box = await startBox()
  box.work.rotate = () => never
  const life = await box.live()
  await life.commands.receive(message('rotate', { id: 'first' }), me)
  await life.commands.receive(message('configuration', { id: 'asked' }), me)
  await life.commands.receive(message('configuration', { id: 'forgotten' }), me)
  await settled(() => life.states('first').includes('executing'))
  life.end()

  const next = await box.live()
  await settled(() => next.states('first').at(-1) === 'failed')
  expect(next.states('asked')).toEqual(['received'])
  await next.commands.receive(message('configuration', { id: 'asked' }), me)
  await settled(() => next.states('asked').at(-1) === 'executed')
  await box.clock.advance(60_000)
  await settled(() => next.states('forgotten').at(-1) === 'expired')
})

test('a restart is executed when the process has started anew', async () => {
  const box = await startBox()
  const life = await box.live()
  await life.commands.receive(message('restart'), me)
  await settled(() => box.work.restarts === 1)
  expect(life.states()).not.toContain('executed')
  life.end()
  const next = await box.live()
  await settled(() => next.states().includes('executed'))
  expect(box.work.restarts).toBe(1)
})

test.each([
  ['rotate', {}, 'not_allowed'],
  ['format', {}, 'unknown_kind'],
  ['log', { lines: 0 }, 'invalid'],
  ['log', { file: '/etc/shadow' }, 'invalid'],
])('%s with %o is rejected: %s', async (kind, params, code) => {
  const box = await startBox({ allowed: ['log', 'format'] })
  const life = await box.live()
  await life.commands.receive(message(kind, { params }), me)
  await settled(() => life.updates.length > 0)
  expect(life.updates).toMatchObject([{ data: { status: 'FAILED', response: { state: 'rejected', code } } }])
  expect(box.audited).toMatchObject([{ kind, state: 'rejected', askedBy: 'ann' }])
  expect(box.work.rotations).toBe(0)
})

test('a message of another hub, in a form of its own, is rejected as a kind that nobody knows', async () => {
  const box = await startBox()
  const life = await box.live()
  await life.commands.receive({ id: 'x', data: { jobId: 'j', createdAt: 0, payload: { reboot: 1 } } }, me)
  await settled(() => life.states('j').includes('rejected'))
})

test.each([
  { kind: 'rotate', expiresInMs: -1 },
  { kind: 'rotate', params: 'all' },
])('a kind that it does, in a form that is not ours, is rejected: %o', async (payload) => {
  const box = await startBox()
  const life = await box.live()
  await life.commands.receive({ id: 'x', data: { jobId: 'a', createdAt: 0, payload } }, me)
  await settled(() => life.states().includes('rejected'))
  expect(life.updates[0]?.data.response.code).toBe('invalid')
  expect(box.work.rotations).toBe(0)
})

test('what the far side has not taken is told again, also after a start, until it has', async () => {
  const box = await startBox()
  const life = await box.live({ send: () => never })
  await life.commands.receive(message('rotate'), me)
  await settled(() => box.audited.length === 1)
  expect(life.updates).toEqual([])
  life.end()
  const next = await box.live()
  await settled(() => isConfirmed(box.dir))
  next.end()
  const last = await box.live()
  await last.commands.receive(message('configuration', { id: 'b' }), me)
  await settled(() => last.states('b').includes('executed'))
  expect(last.states('a')).toEqual([])
})

test('a far side that does not answer is told once more', async () => {
  const box = await startBox()
  let calls = 0
  const life = await box.live({ send: () => (++calls === 1 ? never : Promise.resolve(true)) })
  await life.commands.receive(message('rotate'), me)
  await settled(() => box.audited.length === 1 && calls === 1)
  await box.clock.advance(30_000)
  await settled(() => life.states().includes('executed'))
})

test('an answer that is larger than the far side takes goes without its result', async () => {
  const box = await startBox()
  box.work.rotate = async () => ({ much: 'x'.repeat(5_000) })
  const life = await box.live({ send: async (update) => JSON.stringify(update).length < 1_000 })
  await life.commands.receive(message('rotate'), me)
  await settled(() => life.states().includes('executed'))
  expect(life.updates.at(-1)?.data.response).toEqual({
    state: 'executed',
    reason: 'the answer is larger than the far side takes',
  })
})

test('nothing is done that is not on disk, and all of it once the disk takes it', async () => {
  const box = await startBox()
  let full = false
  const disk: Disk = {
    ...real,
    open: (path, flags, mode) =>
      full && flags === 'wx' ? Promise.reject(new Error('ENOSPC')) : open(path, flags, mode),
  }
  const life = await box.live({ disk })
  full = true
  await life.commands.receive(message('rotate', { id: 'unwritten' }), me)
  expect(life.updates).toEqual([])
  full = false
  box.work.rotate = async () => {
    full = true
    return {}
  }
  await life.commands.receive(message('rotate'), me)
  await settled(() => full)
  expect(life.states()).not.toContain('executed')
  full = false
  await box.clock.advance(1_000)
  await settled(() => life.states().includes('executed'))
  expect(box.work.rotations).toBe(1)
})

test('cut at any call of the disk, a command is done at most once and has one end', async () => {
  let cuts = 0
  for (let at = 1; ; at++) {
    const box = await startBox()
    let calls = 0
    let dead = false
    const alive = <T>(work: () => Promise<T>): Promise<T> => {
      calls++
      if (calls >= at) dead = true
      return dead ? never : work()
    }
    const disk: Disk = {
      open: (...args) =>
        alive(async () => {
          const file = await open(...args)
          return {
            writeFile: (content) => alive(() => file.writeFile(content)),
            sync: () => alive(() => file.sync()),
            close: () => file.close(),
          }
        }),
      readFile: (...args) => readFile(...args),
      rename: (...args) => alive(() => rename(...args)),
      rm: (...args) => alive(() => rm(...args)),
    }
    const life = await box.live({ disk })
    const received = life.commands.receive(message('rotate'), me)
    await Promise.race([
      settled(() => dead),
      received.then(() =>
        settled(() => dead || (life.states().includes('executed') && isConfirmed(box.dir))),
      ),
    ])
    const whole = !dead
    life.end()

    const next = await box.live()
    await next.commands.receive(message('rotate'), me)
    await settled(() => ['executed', 'failed'].includes(next.states().at(-1) ?? ''))
    expect(box.work.rotations).toBeLessThanOrEqual(1)
    expect(
      new Set(
        [...life.states(), ...next.states()].filter((state) => state !== 'received' && state !== 'executing'),
      ).size,
    ).toBe(1)
    if (whole) break
    cuts++
  }
  expect(cuts).toBeGreaterThan(12)
})

test('so many are kept: the oldest that have ended go, and one too many is not taken', async () => {
  const box = await startBox()
  box.work.rotate = () => never
  const life = await box.live()
  for (let n = 0; n < 60; n++) await life.commands.receive(message('format', { id: `f${n}` }), me)
  expect(await kept(box.dir)).toHaveLength(40)
  for (let n = 0; n < 45; n++) await life.commands.receive(message('rotate', { id: `r${n}` }), me)
  expect(await kept(box.dir)).toHaveLength(40)
  await settled(() => life.states('r39').includes('received'))
  expect(life.states('r40')).toEqual([])
})

test('what was meant for the agent that the box was before is not done, and nobody else is told', async () => {
  const box = await startBox()
  const life = await box.live()
  box.become('plant/two')
  await life.commands.receive(message('rotate'), me)
  await settled(() => life.states().includes('rejected'))
  expect(box.work.rotations).toBe(0)
  await life.commands.receive(message('configuration', { id: 'theirs' }), 'plant/two')
  await settled(() => box.audited.length === 2)
  expect(life.states('theirs')).toEqual([])
})

test('a file that cannot be read is forgotten, and stops nothing', async () => {
  const box = await startBox()
  await mkdir(box.dir, { recursive: true })
  await writeFile(join(box.dir, '7.json'), '{"number":7')
  await writeFile(join(box.dir, '8.json.new'), '{"number":8')
  const life = await box.live()
  await life.commands.receive(message('rotate'), me)
  await settled(() => life.states().includes('executed'))
  expect(await kept(box.dir)).toEqual(['1.json'])
  expect(await readdir(box.dir)).not.toContain('8.json.new')
})
