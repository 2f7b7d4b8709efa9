import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { statusCode } from '../../../protocol/reading.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { planSources } from '../configuration.ts'
import { testContext } from '../test-context.ts'
import { command } from './index.ts'

type Point = [type: string, custom: Record<string, unknown>]

function source(custom: Record<string, unknown>, points: Point[]) {
  const clock = manualClock(5_000)
  const { context, stored, reported } = testContext({ clock })
  const running = command.create(
    {
      custom,
      points: points.map(([type, place], at) => ({ id: `p${at}`, type: type as 'INT', custom: place })),
    },
    context,
  )
  const stop = new AbortController()
  const ended = running.run(stop.signal).catch(() => {})
  const end = async () => {
    stop.abort()
    await ended
  }
  onTestFinished(end)
  const read = async (count: number) => {
    await vi.waitFor(() => expect(stored).toHaveLength(count), { interval: 5, timeout: 5_000 })
    return stored
  }
  return { clock, reported, read, end }
}

async function script(text: string) {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-command-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const path = join(dir, 'program')
  await writeFile(path, `#!/bin/sh\n${text}\n`)
  await chmod(path, 0o755)
  return { dir, path }
}

test('what a program writes is a value, or a document', async () => {
  const plain = source({ command: '/bin/echo', arguments: ['21.5'] }, [['DOUBLE', {}]])
  expect(await plain.read(1)).toEqual([{ point: 'p0', value: 21.5, quality: 0, time: 5_000 }])
  const json = source({ command: '/bin/echo', arguments: ['{"a":{"b":3},"t":9}'], interval: '1s' }, [
    ['INT', { pointer: '/a/b', timePointer: '/t' }],
  ])
  expect(await json.read(1)).toMatchObject([{ value: 3, time: 9 }])
  await json.clock.advance(1_000)
  await json.read(2)
})

test('no shell reads the arguments, and the environment is empty but for a PATH', async () => {
  const secret = 'EDGEWARD_TEST_SECRET'
  process.env[secret] = 'x'
  onTestFinished(() => void delete process.env[secret])
  const given = '$HOME `id` ; echo 1 > x *'
  expect(await source({ command: '/bin/echo', arguments: [given] }, [['STRING', {}]]).read(1)).toMatchObject([
    { value: `${given}\n` },
  ])
  const [{ value } = { value: '' }] = await source({ command: '/usr/bin/env' }, [['STRING', {}]]).read(1)
  expect(
    String(value)
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]),
  ).toEqual(['PATH'])
})

test('an exit code but 0 makes the points Bad, with what the program complained of', async () => {
  const { path } = await script('echo 1; echo "no sensor" >&2; exit 3')
  const { read, reported } = source({ command: path }, [['INT', {}]])
  expect(await read(1)).toMatchObject([
    { value: null, reason: 'exit_code', quality: statusCode.badDeviceFailure },
  ])
  expect(reported.at(-1)).toMatchObject({ message: expect.stringContaining('exit code 3: no sensor.') })
})

test('the exit code can be the value', async () => {
  const { path } = await script('echo 7; exit 2')
  expect(
    await source({ command: path }, [
      ['INT', { exitCode: true }],
      ['INT', {}],
    ]).read(2),
  ).toMatchObject([
    { value: 2, quality: 0 },
    { value: 7, quality: 0 },
  ])
})

/** Of a process; without a parent that looks after it, a dead one stays a zombie. */
const stateOf = (pid: number): Promise<string> =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    (text) => /\) (\w)/.exec(text)?.[1] ?? '',
    () => 'gone',
  )

test('what takes too long is killed, with all that it started', async () => {
  const { path, dir } = await script(`sleep 300 & echo $! > "$(dirname "$0")/pid"; wait`)
  const { read, clock } = source({ command: path, timeout: '1s' }, [['INT', {}]])
  const pid = await vi.waitFor(async () => {
    const text = await readFile(join(dir, 'pid'), 'utf8')
    expect(text).toMatch(/\d+\n/)
    return Number(text)
  })
  await clock.advance(1_000)
  expect(await read(1)).toMatchObject([{ quality: statusCode.badTimeout }])
  await vi.waitFor(async () => expect(await stateOf(pid)).toMatch(/gone|Z/))
})

test('what it leaves running holds nobody up, and does not stay', async () => {
  const { path } = await script('sleep 300 & echo 4')
  expect(await source({ command: path }, [['INT', {}]]).read(1)).toMatchObject([{ value: 4 }])
})

test('endless output, a program that is not there and one that is not executable are told', async () => {
  expect(await source({ command: '/usr/bin/yes' }, [['INT', {}]]).read(1)).toMatchObject([
    { reason: 'too_much_output' },
  ])
  expect(await source({ command: '/no/such' }, [['INT', {}]]).read(1)).toMatchObject([
    { reason: 'not_started' },
  ])
  expect(await source({ command: '/etc/passwd' }, [['INT', {}]]).read(1)).toMatchObject([
    { reason: 'not_started' },
  ])
})

test('the end of the source is the end of its program', async () => {
  const { path, dir } = await script('echo $$ > "$(dirname "$0")/pid"; exec sleep 300')
  const { end } = source({ command: path }, [['INT', {}]])
  await vi.waitFor(async () => expect(await readFile(join(dir, 'pid'), 'utf8')).toMatch(/\d+\n/))
  const pid = Number(await readFile(join(dir, 'pid'), 'utf8'))
  await end()
  await vi.waitFor(async () => expect(await stateOf(pid)).toMatch(/gone|Z/))
})

test('the hub may not have programs run', () => {
  const definition = {
    name: 's',
    customData: { protocol: 'command', command: '/bin/true' },
    dataPoints: [{ id: 'a', name: 'a', type: 'INT' as const, customData: { exitCode: true } }],
  }
  expect(() => planSources([definition], { minIntervalMs: 1 })).toThrow('sources.d')
  expect(planSources([definition], { minIntervalMs: 1 }, 'local')).toHaveLength(1)
})
