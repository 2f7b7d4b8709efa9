import { chmod, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { silent } from '../../test/hub-in-process.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { OnboardingRefused } from '../errors.ts'
import { watchDropFolder } from './drop-folder.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgeward-drop-'))
  return () => rm(dir, { recursive: true })
})

async function put(name: string, content: string, mode = 0o600): Promise<void> {
  await writeFile(join(dir, name), content)
  await chmod(join(dir, name), mode)
}

/** Runs the watch until `holds`. Resolves with what was onboarded with. */
async function watched(expected: readonly string[], onboard = async (_: unknown) => {}): Promise<unknown[]> {
  const given: unknown[] = []
  const clock = manualClock()
  const stop = new AbortController()
  const take = async (boarding: unknown) => {
    given.push(boarding)
    await onboard(boarding)
  }
  const running = watchDropFolder({ onboard: take, clock, log: silent }, dir, stop.signal)
  const names = async () => {
    await clock.advance(5_000)
    return (await readdir(dir)).sort()
  }
  await expect.poll(names, { interval: 2 }).toEqual(expected)
  await clock.advance(60_000)
  stop.abort()
  await running
  return given
}

test('a boarding file is taken once, and its name says so', async () => {
  await put('a.json', '{"content":1}')
  await put('readme.txt', 'not for us')
  expect(await watched(['a.json.taken', 'readme.txt'])).toEqual([{ content: 1 }])
})

test('a refused file has the reason and the cure beside it', async () => {
  await put('a.json', '{}')
  await watched(['a.json.reason.txt', 'a.json.refused'], async () => {
    throw new OnboardingRefused('it has expired', 'Get a new one.')
  })
  expect(await readFile(join(dir, 'a.json.reason.txt'), 'utf8')).toBe('it has expired\nGet a new one.\n')
})

test('a file that others could have written is never read', async () => {
  await put('group.json', '{}', 0o660)
  await put('world.json', '{}', 0o606)
  await writeFile(join(dir, 'target'), '{}')
  await symlink(join(dir, 'target'), join(dir, 'link.json'))
  const names = ['group', 'link', 'world'].flatMap((name) => [
    `${name}.json.reason.txt`,
    `${name}.json.refused`,
  ])
  expect(await watched([...names, 'target'].sort())).toEqual([])
  expect(await readFile(join(dir, 'group.json.reason.txt'), 'utf8')).toContain('others than its owner')
})
