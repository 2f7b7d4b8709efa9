import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { freePort, startGateway } from '../harness.ts'
import type { Boxes } from './boxes.ts'
import { doctor, mayNotMount, names } from './record.ts'

const inOrder = { concurrent: false }
/** Nothing that happens to run on this machine stands in the way of these. */
const anyPorts = {
  EDGEWARD_AUTH_LISTEN: '127.0.0.1:0',
  EDGEWARD_ADMIN_LISTEN: '127.0.0.1:0',
  EDGEWARD_BROKER_LISTEN: '127.0.0.1:0',
}

export const daemonFaults = (boxes: () => Boxes) =>
  describe.concurrent('the daemon', () => {
    const stateOf = () => join(boxes().dir, 'daemon')

    test('stopped by a signal, not running, its state held by another', inOrder, async () => {
      const state = stateOf()
      const gateway = await startGateway(state)
      gateway.process.kill('SIGSTOP')
      await names('daemon hangs', { id: 'daemon', says: /did not answer.*stopped by a signal/ }, state)
      gateway.process.kill('SIGCONT')
      await gateway.stop()
      const before = await whatLies(state)
      const stopped = { id: 'daemon', says: /does not run/ }
      await names('daemon not running', stopped, state, { env: anyPorts })
      expect(await whatLies(state), 'looking changes nothing').toEqual(before)

      const other = await lockedByAnother(state)
      const says = new RegExp(`process ${other.pid} .*holds`)
      await names('state held by another process', { id: 'owner', says }, state, { env: anyPorts })
      other.kill()
      await once(other, 'exit')
    })

    test('the listeners that it could not open', inOrder, async () => {
      const state = stateOf()
      const server = createServer().listen(0, '0.0.0.0')
      await once(server, 'listening')
      const { port } = server.address() as { port: number }
      const taken = { ...anyPorts, EDGEWARD_ADMIN_LISTEN: `127.0.0.1:${port}` }
      const says = new RegExp(`process ${process.pid} .*listens on port ${port}, which admin\\.listen`)
      const found = await names('port taken by another program', { id: 'ports', says }, state, { env: taken })
      expect(found.find(({ id }) => id === 'daemon')).toMatchObject({ status: 'skipped', because: 'ports' })
      server.close()

      const elsewhere = { ...anyPorts, EDGEWARD_BROKER_LISTEN: `192.0.2.77:${await freePort()}` }
      const foreign = { id: 'ports', says: /no interface of this box has the address 192\.0\.2\.77/ }
      await names('listener on an address that is not of this box', foreign, state, { env: elsewhere })
    })

    test('state directories that are none', inOrder, async () => {
      const { dir } = boxes()
      const env = anyPorts
      const nowhere = join(dir, 'nowhere')
      await names('state directory missing', { id: 'state', says: /does not exist/ }, nowhere, { env })
      expect(await readdir(dir), 'looking makes nothing').not.toContain('nowhere')
      const file = join(dir, 'file')
      await writeFile(file, '')
      await names('state directory is a file', { id: 'state', says: /not a directory/ }, file, { env })
    })

    test('its unit, as systemd tells of it', inOrder, async () => {
      const state = stateOf()
      const unit = (shown: Record<string, string>) => systemctl(join(boxes().dir, 'bin'), state, shown)
      const failed = await unit({ ActiveState: 'failed', Result: 'exit-code', ExecMainStatus: '2' })
      await names('unit failed', { id: 'unit', says: /has failed \(result exit-code, status 2\)/ }, state, {
        env: failed,
      })
      const { bare } = boxes()
      const off = await systemctl(join(boxes().dir, 'bin'), bare.dir, { UnitFileState: 'disabled' })
      const disabled = { id: 'unit', status: 'warning', says: /does not start with the box/ } as const
      await names('unit not enabled', disabled, bare.dir, { env: off })
    })

    test(
      'a systemd that does not answer is not waited for, and nothing is claimed of it',
      inOrder,
      async () => {
        const folder = join(boxes().dir, 'hanging')
        await program(folder, '#!/bin/sh\nexec sleep 60\n')
        const env = { PATH: `${folder}:${process.env.PATH}` }
        const { findings } = await doctor(boxes().bare.dir, { env })
        expect(findings.find(({ id }) => id === 'unit')).toMatchObject({
          status: 'skipped',
          cause: expect.stringMatching(/did not answer within/),
        })
      },
    )

    test.skipIf(mayNotMount)('disk nearly full (needs root)', inOrder, async ({ skip }) => {
      const state = join(boxes().dir, 'small')
      await mkdir(state)
      const mount = (command: string, ...args: string[]) => spawnSync(command, args).status === 0
      if (!mount('mount', '-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs', state))
        skip('tmpfs cannot be mounted here')
      try {
        const full = { id: 'state.space', says: /only [0-4] MB free/ }
        await names('disk nearly full', full, state, { env: anyPorts })
      } finally {
        mount('umount', state)
      }
    })
  })

const whatLies = async (state: string) => {
  const paths = (await readdir(state, { recursive: true })).sort()
  const seen = ['.', ...paths].map(async (path) => {
    const { mode, size, mtimeMs } = await stat(join(state, path))
    return { path, mode, size, mtimeMs }
  })
  return Promise.all(seen)
}

async function lockedByAnother(state: string) {
  const sqlite = fileURLToPath(new URL('../../core/sqlite.ts', import.meta.url))
  const script = `import { lockState } from ${JSON.stringify(sqlite)}
    globalThis.lock = lockState(${JSON.stringify(state)}); console.log('locked'); setInterval(() => {}, 1e6)`
  const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(other.stdout, 'data')
  return other
}

async function program(folder: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'systemctl'), text)
  await chmod(join(folder, 'systemctl'), 0o755)
}

/** The environment in which systemctl tells this of our unit, and of a unit that is well otherwise. */
async function systemctl(folder: string, state: string, shown: Record<string, string>) {
  const well = {
    ...{ LoadState: 'loaded', ActiveState: 'active', SubState: 'running', UnitFileState: 'enabled' },
    ...{ NRestarts: '0', Result: 'success', ExecMainStatus: '0', NeedDaemonReload: 'no' },
    ExecStart: `{ path=/usr/bin/edgeward ; argv[]=/usr/bin/edgeward run --state-dir ${state} ; }`,
  }
  const lines = Object.entries({ ...well, ...shown }).map(([name, value]) => `${name}=${value}`)
  await program(folder, `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\n`)
  return { ...anyPorts, PATH: `${folder}:${process.env.PATH}` }
}
