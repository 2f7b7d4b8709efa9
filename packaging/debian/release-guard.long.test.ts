import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const guard = join(import.meta.dirname, 'release-guard')
const gateway = 'edgeward.service'
const hub = 'edgeward-hub.service'

test('the first release is in use at once, as there is none to fall back to', async () => {
  await using box = await machine()
  await box.bring('1')
  expect(await box.guard('offer', '1', gateway)).toMatchObject({ code: 0 })
  expect(await box.used()).toBe('1')
  expect(await box.read('trial')).toBeUndefined()
})

test('a release that is ready is proven, once each unit is', async () => {
  await using box = await running('1')
  await box.offer('2', gateway, hub)
  await box.guard('start', gateway)
  await box.guard('ready', gateway)
  expect(await box.read('trial')).toBe(`from 1\nto 2\n${hub} 0\n`)
  await box.guard('start', hub)
  expect((await box.guard('ready', hub)).stdout).toBe('edgeward: release 2 is proven\n')
  expect(await box.read('trial')).toBeUndefined()
  for (let start = 0; start < 5; start++) await box.guard('start', gateway)
  expect(await box.used()).toBe('2')
})

test('a release that was started three times and not ready makes way for the one before it', async () => {
  await using box = await running('1')
  await box.offer('2', gateway)
  for (let start = 1; start <= 3; start++) {
    await box.guard('start', gateway)
    expect(await box.used()).toBe('2')
  }
  const { code, stderr } = await box.guard('start', gateway)
  expect(code).toBe(0)
  const why = `${gateway} was started 3 times and did not become ready`
  expect(stderr).toBe(`<3>edgeward: release 2 was given up, 1 is in use again: ${why}\n`)
  expect(await box.used()).toBe('1')
  expect(await box.read('trial')).toBeUndefined()
  expect(await box.read('fallen-back')).toMatch(
    new RegExp(`^failed 2\nusing 1\nat 20.*Z\nsha256 [0-9a-f]{64}\nwhy ${why}\n$`),
  )
})

test('starts of a unit that is not part of the trial count for nothing', async () => {
  await using box = await running('1')
  await box.offer('2', gateway)
  for (let start = 0; start < 5; start++) await box.guard('start', hub)
  expect(await box.used()).toBe('2')
})

test('a release that finds fault with itself is not used, and says why', async () => {
  await using box = await running('1')
  await box.bring('2', { fault: 'the addon does not load' })
  const { code, stderr } = await box.guard('offer', '2', gateway)
  expect(code).toBe(1)
  expect(stderr).toContain('the addon does not load\n')
  expect(stderr).toContain(
    'release 2 finds fault with itself here, see above; nothing was changed and 1 stays in use',
  )
  expect(await box.used()).toBe('1')
  expect(await box.releases()).toEqual(['1'])
  expect(await box.read('trial')).toBeUndefined()
})

test('a release checks itself with the places of the daemon', async () => {
  await using box = await machine()
  await box.bring('1')
  const { stderr } = await box.guard('offer', '1')
  expect(stderr).toContain(
    `self-check ${box.root}/var/lib/edgeward ${box.root}/run/edgeward ${box.root}/etc/edgeward`,
  )
})

test('the lock is for root alone, and a release that checks itself cannot keep it', async () => {
  await using box = await machine()
  await box.bring('1', { note: '\n[ ! -e /proc/$$/fd/9 ] || echo "has the lock" >&2' })
  const { code, stderr } = await box.guard('offer', '1')
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('has the lock') })
  const { mode } = await stat(join(box.root, 'var/lib/edgeward-release/lock'))
  expect(mode & 0o777).toBe(0o600)
})

test('what was given up is offered again only in other bytes, or when its record is removed', async () => {
  await using box = await running('1')
  await box.offer('2', gateway)
  for (let start = 0; start < 4; start++) await box.guard('start', gateway)
  const again = await box.guard('offer', '2', gateway)
  expect(again).toMatchObject({ code: 1 })
  expect(again.stderr).toContain('release 2 was given up on this box')
  expect(await box.used()).toBe('1')

  await box.bring('2', { note: 'mended' })
  expect(await box.guard('offer', '2', gateway)).toMatchObject({ code: 0 })
  expect(await box.used()).toBe('2')
  expect(await box.read('fallen-back')).toBeUndefined()

  for (let start = 0; start < 4; start++) await box.guard('start', gateway)
  expect(await box.used()).toBe('1')
  await rm(join(box.root, 'var/lib/edgeward-release/fallen-back'))
  expect(await box.guard('offer', '2', gateway)).toMatchObject({ code: 0 })
})

test('the release before one that is still on trial is what the next one falls back to', async () => {
  await using box = await running('1')
  await box.offer('2', gateway)
  await box.offer('3', gateway)
  expect(await box.read('trial')).toBe(`from 1\nto 3\n${gateway} 0\n`)
  expect(await box.releases()).toEqual(['1', '3'])
  for (let start = 0; start < 4; start++) await box.guard('start', gateway)
  expect(await box.used()).toBe('1')
})

test('two releases are kept', async () => {
  await using box = await running('1')
  for (const version of ['2', '3', '4']) {
    await box.offer(version, gateway)
    await box.guard('ready', gateway)
  }
  expect(await box.releases()).toEqual(['3', '4'])
})

test('the same release again is no trial', async () => {
  await using box = await running('1')
  await box.offer('1', gateway)
  expect(await box.read('trial')).toBeUndefined()
  expect(await box.releases()).toEqual(['1'])
})

test('somebody goes back by hand, once', async () => {
  await using box = await running('1')
  expect(await box.guard('back')).toMatchObject({ code: 1 })
  await box.offer('2', gateway)
  await box.guard('ready', gateway)
  expect(await box.guard('back', 'it loses the PLC')).toMatchObject({ code: 0 })
  expect(await box.used()).toBe('1')
  expect(await box.read('fallen-back')).toContain('why it loses the PLC\n')
  expect((await box.guard('show')).stdout).toMatch(
    /^in use {4}1\nprevious {2}1\nfallen-back:\n {2}failed 2\n/,
  )
  expect(await box.guard('back')).toMatchObject({ code: 1 })
})

test('the oldest release that can use the state never becomes older', async () => {
  await using box = await running('1')
  expect(await box.read('compatible')).toBe('oldest 1\n')
  await box.offer('3', gateway)
  expect(await box.read('compatible')).toBe('oldest 3\n')
  await box.offer('2', gateway)
  expect(await box.read('compatible')).toBe('oldest 3\n')
})

test('cut anywhere, a release is in use, and a new one not without a way back', async () => {
  let cuts = 0
  for (let at = 1; ; at++) {
    await using box = await running('1')
    await box.bring('2')
    const { code } = await box.cut(at, 'offer', '2', gateway)
    if (code === 0) break
    cuts++
    const used = await box.used()
    expect(await box.isThere(used), `cut ${at}: ${used} is in use`).toBe(true)
    if (used === '2') expect(await box.read('trial'), `cut ${at}`).toMatch(/^from 1\nto 2\n/)
    // The power is back: the unit starts, and is never ready.
    for (let start = 0; start < 4; start++) await box.guard('start', gateway)
    expect(await box.used(), `cut ${at}`).toBe('1')
    await rm(join(box.root, 'var/lib/edgeward-release/fallen-back'), { force: true })
    expect(await box.guard('offer', '2', gateway)).toMatchObject({ code: 0 })
    expect(await box.used()).toBe('2')
  }
  expect(cuts).toBeGreaterThan(15)
}, 60_000)

test('cut anywhere while falling back, the next start falls back', async () => {
  for (let at = 1; ; at++) {
    await using box = await running('1')
    await box.offer('2', gateway)
    for (let start = 0; start < 3; start++) await box.guard('start', gateway)
    const { code } = await box.cut(at, 'start', gateway)
    expect(await box.isThere(await box.used())).toBe(true)
    await box.guard('start', gateway)
    expect(await box.used(), `cut ${at}`).toBe('1')
    expect(await box.read('fallen-back'), `cut ${at}`).toMatch(/^failed 2\n/)
    expect(await box.read('trial'), `cut ${at}`).toBeUndefined()
    if (code === 0) break
  }
}, 60_000)

/** The parts of a machine's disk that the guard works on. */
async function machine() {
  const root = await mkdtemp(join(tmpdir(), 'edgeward-guard-'))
  const lib = join(root, 'usr/lib/edgeward')
  await mkdir(lib, { recursive: true })
  await layShims(root)
  const textOf = (path: string) => readFile(path, 'utf8').catch(() => undefined)
  const run = (args: readonly string[], env: Record<string, string> = {}) => runGuard(root, args, env)
  return {
    root,
    /** As dpkg does: the executable of the package is replaced, with what is known about it. */
    async bring(version: string, { fault = '', note = '' } = {}) {
      const program = `#!/bin/sh
# ${version} ${note}
echo "$1 $STATE_DIRECTORY $RUNTIME_DIRECTORY $CONFIGURATION_DIRECTORY"
[ -z '${fault}' ] || { echo '${fault}'; exit 1; }
`
      await rm(join(lib, 'edgeward'), { force: true })
      await writeFile(join(lib, 'edgeward'), program)
      await chmod(join(lib, 'edgeward'), 0o755)
      await writeFile(join(lib, 'oldest-compatible'), `${version}\n`)
    },
    guard: (...args: string[]) => run(args),
    async offer(version: string, ...units: string[]) {
      await this.bring(version)
      const { code, stderr } = await run(['offer', version, ...units])
      expect(code, stderr).toBe(0)
    },
    /** Ends the guard with all it has started just before it changes the disk for the nth time. */
    async cut(nth: number, ...args: string[]) {
      await writeFile(join(root, 'count'), '0')
      return run(args, {
        CUT_AT: `${nth}`,
        CUT_COUNT: join(root, 'count'),
      })
    },
    used: async () => (await readlink(join(lib, 'current'))).replace('releases/', ''),
    isThere: async (version: string) =>
      (await textOf(join(lib, 'releases', version, 'edgeward'))) !== undefined,
    releases: async () => (await readdir(join(lib, 'releases'))).sort(),
    read: (name: string) => textOf(join(root, 'var/lib/edgeward-release', name)),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  }
}

/** A machine on which a release is proven. */
async function running(version: string) {
  const box = await machine()
  await box.offer(version, gateway)
  return box
}

/** What the guard does to the disk, in the order in which it could be cut. */
const changing = ['mv', 'ln', 'rm', 'mkdir', 'rmdir', 'cat'] as const

/** In front of the programs that change the disk; and of the one that only waits for it. */
async function layShims(root: string): Promise<void> {
  const shim = (name: string) => `#!/bin/sh
read -r count <"$CUT_COUNT"
count=$((count + 1))
echo "$count" >"$CUT_COUNT"
[ "$count" -ne "$CUT_AT" ] || kill -9 0
exec /bin/${name} "$@"
`
  await mkdir(join(root, 'cutting'))
  for (const name of changing) await writeFile(join(root, 'cutting', name), shim(name), { mode: 0o755 })
  await mkdir(join(root, 'waiting'))
  await writeFile(join(root, 'waiting', 'sync'), '#!/bin/sh\n', { mode: 0o755 })
}

function runGuard(root: string, args: readonly string[], env: Record<string, string>) {
  const done = Promise.withResolvers<{ code: number | null; stdout: string; stderr: string }>()
  // A process group of its own, which ends as one.
  const shims = [...(env.CUT_AT ? ['cutting'] : []), 'waiting'].map((name) => join(root, name))
  const PATH = [...shims, process.env.PATH].join(':')
  const child = spawn(guard, args, { env: { ...process.env, PATH, ...env, DPKG_ROOT: root }, detached: true })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.on('error', done.reject)
  child.on('close', (code) => done.resolve({ code, stdout, stderr }))
  return done.promise
}
