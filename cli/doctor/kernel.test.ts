import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DaemonView } from './daemon-view.ts'
import { limitChecks } from './limits.ts'
import { memoryCheck } from './memory.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgeward-kernel-'))
})
afterEach(() => rm(dir, { recursive: true }))

const pid = 812
const view: DaemonView = {
  holder: Promise.resolve({ pid, command: 'edgeward run', isSuspended: false }),
  answer: async () => 'silent',
  described: async () => undefined,
}

/** What the check finds where the kernel shows these files. */
async function found(id: string, files: Record<string, string>) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
  }
  const kernel = { view, stateDir: dir, proc: join(dir, 'proc'), sys: join(dir, 'sys') }
  const check = [memoryCheck(kernel), ...limitChecks(kernel)].find((one) => one.id === id)
  return check?.run(new AbortController().signal)
}

const meminfo = (more: Record<string, number>): string =>
  Object.entries({ MemTotal: 1_000_000, MemAvailable: 500_000, SwapTotal: 0, SwapFree: 0, ...more })
    .map(([name, kB]) => `${name}:   ${kB} kB\n`)
    .join('')
const group = `0::/system.slice/edgeward.service\n`
const groupDir = 'sys/fs/cgroup/system.slice/edgeward.service'

test('memory that is enough is well, and one that is not shown is not judged', async () => {
  expect(await found('memory', { 'proc/meminfo': meminfo({}) })).toMatchObject({ status: 'ok' })
  expect(await found('memory', { 'proc/meminfo': '' })).toMatchObject({ status: 'skipped' })
})

test('a kernel that has promised all of its memory is a warning only where it promises no more', async () => {
  const full = meminfo({ CommitLimit: 1_000_000, Committed_AS: 990_000 })
  const mode = (text: string) =>
    found('memory', { 'proc/meminfo': full, 'proc/sys/vm/overcommit_memory': text })
  expect(await mode('0\n')).toMatchObject({ status: 'ok' })
  expect(await mode('2\n')).toMatchObject({
    status: 'warning',
    cause: expect.stringContaining('966 of 976 MB are promised'),
  })
})

test('processes of the daemon that the kernel has ended are told', async () => {
  const files = {
    'proc/meminfo': meminfo({}),
    [`proc/${pid}/cgroup`]: group,
    [`${groupDir}/memory.events`]: 'oom 2\noom_kill 2\n',
  }
  expect(await found('memory', files)).toMatchObject({ status: 'warning', facts: { kills: 2 } })
})

test('a limit of a group above counts as well, and what only caches files does not', async () => {
  const files = (cached: number) => ({
    'proc/meminfo': meminfo({}),
    [`proc/${pid}/cgroup`]: group,
    [`${groupDir}/memory.max`]: 'max\n',
    [`${groupDir}/memory.current`]: '90000000\n',
    'sys/fs/cgroup/system.slice/memory.max': '100000000\n',
    'sys/fs/cgroup/system.slice/memory.current': '98000000\n',
    'sys/fs/cgroup/system.slice/memory.stat': `anon 1\ninactive_file ${cached}\n`,
  })
  expect(await found('memory', files(1))).toMatchObject({ status: 'warning' })
  expect(await found('memory', files(50_000_000))).toMatchObject({ status: 'ok' })
})

test('a daemon near its own limit of open files is told, where the box has enough', async () => {
  const files = {
    'proc/sys/fs/file-nr': '500\t0\t9000000\n',
    [`proc/${pid}/limits`]: 'Max open files            10                 10                 files\n',
    ...Object.fromEntries(Array.from({ length: 10 }, (_, fd) => [`proc/${pid}/fd/${fd}`, ''])),
  }
  expect(await found('limits.files', files)).toMatchObject({
    status: 'warning',
    cause: expect.stringContaining('10 files and connections open, of 10'),
  })
})

test('limits that the kernel does not show are not judged', async () => {
  expect(await found('limits.files', {})).toMatchObject({ status: 'skipped' })
  expect(await found('limits.processes', {})).toMatchObject({ status: 'skipped' })
})

test('the smaller of the two limits of threads counts', async () => {
  const files = {
    'proc/loadavg': '0.1 0.2 0.3 2/950 77\n',
    'proc/sys/kernel/threads-max': '90000\n',
    'proc/sys/kernel/pid_max': '1000\n',
  }
  expect(await found('limits.processes', files)).toMatchObject({ status: 'warning', facts: { most: 1000 } })
})
