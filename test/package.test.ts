import { chmod, mkdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPackage } from '../packaging/debian/package.ts'
import { builtExecutable } from './executable.ts'
import { agentStatus, runProgram, startGateway, type TempDir, tempDir } from './harness.ts'
import { describeWith } from './peers.ts'

const repository = fileURLToPath(new URL('..', import.meta.url))
const arch = process.arch === 'arm64' ? 'arm64' : 'x64'
const [first, second] = ['0.1.0', '0.2.0'] as const

const programs = ['dpkg-deb', 'lintian', 'shellcheck', 'man', 'bash', 'deb-systemd-helper']

describeWith(programs, 'the Debian package', () => {
  let dir: TempDir
  let packages: Record<string, string>

  beforeAll(async () => {
    dir = await tempDir()
    // Executables that say what they are, and refuse when they are told to.
    const built = await Promise.all([first, second].map((version) => buildWith(dir.path, version)))
    packages = Object.fromEntries(built.map((each) => [each.version, each.package]))
  }, 120_000)
  afterAll(() => dir[Symbol.asyncDispose]())

  const contents = async (version: string): Promise<string[]> => {
    const { stdout } = await runProgram('dpkg-deb', ['--contents', packages[version] as string])
    // Mode, owner and path.
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' ').split(' '))
      .map(([mode, owner, , , , ...path]) => `${mode} ${owner} ${path.join(' ').slice(1)}`)
  }

  test('holds the program, units, manual, completion and examples, all of root', async () => {
    const held = await contents(first)
    for (const line of [
      '-rwxr-xr-x root/root /usr/lib/edgeward/edgeward',
      '-rwxr-xr-x root/root /usr/lib/edgeward/release-guard',
      'lrwxrwxrwx root/root /usr/bin/edgeward -> ../lib/edgeward/current/edgeward',
      '-rw-r--r-- root/root /lib/systemd/system/edgeward.service',
      '-rw-r--r-- root/root /lib/systemd/system/edgeward-hub.service',
      '-rw-r--r-- root/root /etc/edgeward/edgeward.toml',
      'drwxr-xr-x root/root /etc/edgeward/sources.d/',
      '-rw-r--r-- root/root /usr/share/man/man1/edgeward.1.gz',
      '-rw-r--r-- root/root /usr/share/bash-completion/completions/edgeward',
      '-rw-r--r-- root/root /usr/share/doc/edgeward/copyright',
      '-rw-r--r-- root/root /usr/share/doc/edgeward/docs/install.md',
      '-rw-r--r-- root/root /usr/share/doc/edgeward/examples/proxy/nginx.conf',
      '-rw-r--r-- root/root /usr/share/doc/edgeward/examples/container/compose.yaml',
    ])
      expect(held).toContain(line)
    expect(held.filter((line) => !line.includes(' root/root /'))).toEqual([])
    expect(held.filter((line) => /^.....w|^........w/.test(line) && !line.startsWith('l'))).toEqual([])
  })

  // Not beside others: the mask is the whole process's.
  test('is the same to the byte when it is made again, elsewhere and later', async () => {
    const again = join(dir.path, 'again')
    await mkdir(again)
    const { TZ, LC_ALL } = process.env
    const mask = process.umask(0o077)
    Object.assign(process.env, { TZ: 'Asia/Tokyo', LC_ALL: 'C' })
    try {
      const { package: path } = await buildWith(again, first)
      expect((await readFile(path)).equals(await readFile(packages[first] as string))).toBe(true)
    } finally {
      process.umask(mask)
      Object.assign(process.env, { TZ, LC_ALL })
      for (const [name, value] of Object.entries({ TZ, LC_ALL }))
        if (value === undefined) delete process.env[name]
    }
  })

  test.concurrent('is accepted by lintian', async () => {
    // The quick compression is for tests alone.
    const { code, stdout } = await runProgram('lintian', [
      '--fail-on=error,warning',
      '--suppress-tags=malformed-deb-archive',
      packages[first] as string,
    ])
    expect(code, stdout).toBe(0)
  })

  test.concurrent('has scripts of which shellcheck has nothing to say', async () => {
    const scripts = ['preinst', 'postinst', 'prerm', 'postrm', 'release-guard']
    const paths = scripts.map((name) => join(repository, 'packaging/debian', name))
    const { code, stdout } = await runProgram('shellcheck', paths)
    expect(code, stdout).toBe(0)
  })

  test.concurrent('has a page of the manual that says what --help says, without a warning', async () => {
    await using box = await machine()
    await box.install(packages[first] as string)
    const page = join(box.root, 'usr/share/man/man1/edgeward.1.gz')
    const { stdout, stderr } = await runProgram('man', ['--warnings', '-l', page], {
      env: { MANWIDTH: '300', LC_ALL: 'C.UTF-8', MAN_KEEP_FORMATTING: '' },
    })
    expect(stderr).toBe('')
    const text = stdout.replace(/\s+/g, ' ')
    for (const command of [['user', 'add'], ['hub', 'agent', 'create'], ['onboard'], ['proxy-check']]) {
      const { stdout: help } = await runProgram(process.execPath, [
        join(repository, 'bin/edgeward.js'),
        ...[...command, '--help'],
      ])
      for (const [option] of help.matchAll(/--[a-z-]+(?= )/g))
        expect(text, command.join(' ')).toContain(option)
      expect(text).toContain(`edgeward ${command.join(' ')}`)
    }
  })

  test.concurrent('installs where nothing is, without a network, and the state outlives its removal', async () => {
    await using box = await machine()
    await box.install(packages[first] as string)
    expect((await box.run()).stdout).toBe(`${first} \n`)
    expect(await box.text('etc/passwd')).toMatch(
      /^edgeward:x:\d+:\d+:edgeward gateway:\/var\/lib\/edgeward:/m,
    )
    expect(await box.text('etc/passwd')).toMatch(/^edgeward-hub:x:/m)
    expect(
      await readlink(join(box.root, 'etc/systemd/system/multi-user.target.wants/edgeward.service')),
    ).toBe('/lib/systemd/system/edgeward.service')
    expect(await box.there('etc/systemd/system/multi-user.target.wants/edgeward-hub.service')).toBe(false)
    await writeFile(join(box.root, 'var/lib/edgeward/auth.db'), 'users')
    const { stdout } = await box.dpkg('--remove', 'edgeward')
    expect(stdout).toContain('the state of this box was kept')
    expect(await box.text('var/lib/edgeward/auth.db')).toBe('users')
    expect(await box.there('usr/lib/edgeward')).toBe(false)
  })

  test.concurrent('purging says what it removes and where else the box is known, and removes it', async () => {
    await using box = await machine()
    await box.install(packages[first] as string)
    await mkdir(join(box.root, 'var/lib/edgeward/identity'))
    const identity = '{"version":2,"state":{"at":"onboarded","home":{"agentId":"a1b2"}}}'
    await writeFile(join(box.root, 'var/lib/edgeward/identity/identity.1.json'), identity)
    await writeFile(join(box.root, 'etc/edgeward/sources.d/press.toml'), '')
    const { code, stdout } = await box.dpkg('--purge', 'edgeward')
    expect(code).toBe(0)
    expect(stdout).toMatch(/\/var\/lib\/edgeward: identity and keys of this box.*\n.*identity\n/)
    expect(stdout).toContain('sources.d')
    expect(stdout).toContain('edgeward hub agent offboard a1b2')
    for (const path of [
      'etc/edgeward',
      'var/lib/edgeward',
      'var/lib/edgeward-hub',
      'var/lib/edgeward-release',
    ])
      expect(await box.there(path), path).toBe(false)
  })

  test.concurrent('an upgrade is on trial, keeps settings and state, and falls back when it does not become ready', async () => {
    await using box = await machine()
    await box.install(packages[first] as string)
    await writeFile(join(box.root, 'etc/edgeward/edgeward.toml'), '[device]\nname = "press"\n')
    await box.install(packages[second] as string)
    expect((await box.run()).stdout).toBe(`${second} \n`)
    expect(await box.text('etc/edgeward/edgeward.toml')).toContain('press')
    expect(await box.text('var/lib/edgeward-release/trial')).toBe(
      `from ${first}\nto ${second}\nedgeward.service 0\n`,
    )
    for (let start = 0; start < 4; start++) await box.guard('start', 'edgeward.service')
    expect((await box.run()).stdout).toBe(`${first} \n`)

    const again = await box.dpkg('--configure', 'edgeward')
    expect(again.stderr).not.toContain('was given up') // dpkg has nothing to configure
    const anew = await box.dpkg('--install', packages[second] as string)
    expect(anew.code).not.toBe(0)
    expect(anew.stderr).toContain(`release ${second} was given up on this box`)
    expect((await box.run()).stdout).toBe(`${first} \n`)
  })

  test.concurrent('an upgrade that finds fault with itself leaves the release before it in use, and can be repeated', async () => {
    await using box = await machine()
    await box.install(packages[first] as string)
    await writeFile(join(box.root, 'var/lib/edgeward', `refuse-${second}`), '')
    const { code, stderr } = await box.dpkg('--install', packages[second] as string)
    expect(code).not.toBe(0)
    expect(stderr).toContain(`${second} refuses`)
    expect(stderr).toContain(`nothing was changed and ${first} stays in use`)
    expect((await box.run()).stdout).toBe(`${first} \n`)
    await rm(join(box.root, 'var/lib/edgeward', `refuse-${second}`))
    expect(await box.dpkg('--configure', 'edgeward')).toMatchObject({ code: 0 })
    expect((await box.run()).stdout).toBe(`${second} \n`)
  })

  test.concurrent('one release back is installed, an older one is refused, after a removal too', async () => {
    await using box = await machine()
    await box.install(packages[second] as string)
    await box.install(packages[first] as string)
    expect((await box.run()).stdout).toBe(`${first} \n`)
    // As a release does that has given up what the first one needs.
    await box.install(packages[second] as string)
    await writeFile(join(box.root, 'usr/lib/edgeward/oldest-compatible'), `${second}\n`)
    await writeFile(join(box.root, 'var/lib/edgeward-release/compatible'), `oldest ${second}\n`)
    const refused = await box.dpkg('--install', packages[first] as string)
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain(
      `${first} cannot be installed here: the state on this box needs release ${second}`,
    )
    expect((await box.run()).stdout).toBe(`${second} \n`)
    await box.dpkg('--remove', 'edgeward')
    expect((await box.dpkg('--install', packages[first] as string)).stderr).toContain(
      'cannot be installed here',
    )
  })

  test.concurrent('the real program checks itself while it is installed', async () => {
    const executable = await builtExecutable(arch)
    const out = join(dir.path, 'real')
    await mkdir(out)
    const { package: path } = await buildPackage({ arch, out, executable, quick: true })
    await using box = await machine()
    const { stderr } = await box.install(path)
    expect(stderr).toMatch(/^ok\s+modules/m)
    expect((await box.run('-V')).stdout).toBe(`${first}\n`)
  }, 120_000)
})

test('a daemon that runs because a newer release did not raises an alarm, until that is gone', async () => {
  await using dir = await tempDir()
  const state = join(dir.path, 'edgeward')
  await mkdir(`${state}-release`)
  await writeFile(
    `${state}-release/fallen-back`,
    `failed ${second}\nusing ${first}\nwhy it was never ready\n`,
  )
  await using gateway = await startGateway(state)
  const { alarms } = await agentStatus(gateway)
  expect(alarms).toContainEqual(
    expect.objectContaining({
      code: 'release_fallen_back',
      message: `release ${second} was given up, ${first} is in use again: it was never ready`,
    }),
  )
  await gateway.stop()
  await rm(`${state}-release`, { recursive: true })
  await using again = await startGateway(state)
  expect((await agentStatus(again)).alarms).toEqual([])
})

describeWith(['python3'], 'the container', () => {
  test('its compose file parses, and what it mounts is there', async () => {
    const path = join(repository, 'packaging/container/compose.yaml')
    const toJson = 'import sys, json, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))'
    const { stdout, stderr } = await runProgram('python3', ['-c', toJson, path])
    expect(stderr).toBe('')
    const { services, volumes } = JSON.parse(stdout)
    const mounts = Object.values<{ volumes?: string[] }>(services).flatMap((service) => service.volumes ?? [])
    for (const [source = ''] of mounts.map((mount) => mount.split(':')))
      if (source.startsWith('..')) await readFile(join(repository, 'packaging/container', source))
      else if (!source.startsWith('.')) expect(Object.keys(volumes)).toContain(source)
    expect(services.edgeward.read_only).toBe(true)
  })

  test('it is built of files that there are and that are not left out', async () => {
    const dockerfile = await readFile(join(repository, 'Dockerfile'), 'utf8')
    const ignored = (await readFile(join(repository, '.dockerignore'), 'utf8')).trim().split('\n')
    const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].map(([, args = '']) => args.split(' '))
    const programs = [...dockerfile.matchAll(/node (\S+\.ts)/g)].map(([, path = '']) => path)
    const sources = [...copies.flatMap((args) => args.slice(0, -1)), ...programs].filter(
      (path) => path !== '.',
    )
    expect(sources).toContain('packaging/executable/build.ts')
    for (const source of sources) {
      await readFile(join(repository, source))
      expect(ignored).not.toContain(source.split('/')[0])
    }
  })
})

/** A package whose executable only tells its version, and refuses where a file asks for it. */
async function buildWith(out: string, version: string) {
  const executable = join(out, `edgeward-${version}`)
  const script = `#!/bin/sh
[ ! -e "$STATE_DIRECTORY/refuse-${version}" ] || { echo '${version} refuses'; exit 1; }
echo "${version} $*"
`
  await writeFile(executable, script)
  await chmod(executable, 0o755)
  return buildPackage({ arch, out, executable, version, quick: true })
}

const isThere = (path: string): Promise<boolean> =>
  runProgram('test', ['-e', path]).then(({ code }) => code === 0)

/** A file system with a dpkg of its own, on which nothing is installed and nothing runs. */
async function machine() {
  const dir = await tempDir()
  const root = dir.path
  for (const folder of ['info', 'updates', 'triggers'])
    await mkdir(join(root, 'var/lib/dpkg', folder), { recursive: true })
  await writeFile(join(root, 'var/lib/dpkg/status'), '')
  const dpkg = (...args: string[]) =>
    runProgram(
      'dpkg',
      // The files that dpkg would wait for on the disk are thrown away in a moment.
      [
        `--root=${root}`,
        '--log=/dev/null',
        '--force-depends',
        '--force-unsafe-io',
        '--force-script-chrootless',
      ].concat('--force-confold', ...args),
      { env: { LC_ALL: 'C' } },
    )
  return {
    root,
    dpkg,
    async install(path: string) {
      const result = await dpkg('--install', path)
      expect(result.code, result.stderr).toBe(0)
      return result
    },
    /** What the machine would run as `edgeward`. */
    run: (...args: string[]) => runProgram(join(root, 'usr/lib/edgeward/current/edgeward'), args),
    guard: (...args: string[]) =>
      runProgram(join(root, 'usr/lib/edgeward/release-guard'), args, { env: { DPKG_ROOT: root } }),
    text: (path: string) => readFile(join(root, path), 'utf8'),
    there: (path: string) => isThere(join(root, path)),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}
