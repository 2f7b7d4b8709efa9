import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../../core/clock.ts'
import { type CommandResult, runProgram } from '../harness.ts'
import { debianRoot } from './root.ts'

const run = promisify(execFile)

/**
 * A Debian whose process 1 is its own systemd, in a container without any network but its loopback. What is
 * on its disk stays between boots.
 */
export interface Machine extends AsyncDisposable {
  /** Resolves when systemd has come to rest. */
  boot(): Promise<void>
  /** As root, in a shell. Never rejects for an exit code. */
  sh(script: string, input?: string): Promise<CommandResult>
  /** As `sh`, and rejects with what was printed when the exit code is not 0. */
  must(script: string): Promise<string>
  put(file: string, path: string): Promise<void>
  write(path: string, text: string): Promise<void>
  /** In order. */
  powerOff(): Promise<void>
  /** As when somebody pulls the plug: every process dies at once. */
  cutPower(): Promise<void>
}

export async function newMachine(): Promise<Machine> {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-boot-'))
  const root = join(dir, 'root')
  await mkdir(root)
  await run('tar', ['-xf', await debianRoot(), '-C', root])
  let running: { nspawn: ChildProcess; exited: Promise<void>; init: number } | undefined

  const sh = async (script: string, input = ''): Promise<CommandResult> => {
    if (!running) throw new Error('the machine is off')
    const inside = ['-t', String(running.init), '-m', '-u', '-i', '-n', '-p', '-C', '--']
    const env = [
      'env',
      '-i',
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      'HOME=/root',
      'DEBIAN_FRONTEND=noninteractive',
    ]
    return runProgram('nsenter', [...inside, ...env, 'sh', '-c', script], { input })
  }
  const must = async (script: string): Promise<string> => {
    const { code, stdout, stderr } = await sh(script)
    if (code !== 0) throw new Error(`${script}: exit code ${code}\n${stdout}\n${stderr}`)
    return stdout
  }
  const cutPower = async (): Promise<void> => {
    if (!running) return
    const { init, nspawn } = running
    // The kernel ends all that belong to process 1.
    if (nspawn.exitCode === null) process.kill(init, 'SIGKILL')
    await running.exited
    running = undefined
  }
  return {
    ...{ sh, must, cutPower },
    async boot() {
      const options = ['--boot', '--register=no', '--keep-unit', '--private-network']
      const nspawn = spawn('systemd-nspawn', ['--quiet', '--directory', root, ...options], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let console = ''
      for (const stream of [nspawn.stdout, nspawn.stderr])
        stream.on('data', (chunk) => {
          console = (console + chunk).slice(-20_000)
        })
      const exited = new Promise<void>((resolve) => nspawn.once('exit', () => resolve()))
      const init = await firstChild(nspawn, () => console)
      running = { nspawn, exited, init }
      await atRest(sh, () => console)
    },
    put: (file, path) => cp(file, join(root, path)),
    async write(path, text) {
      await mkdir(join(root, path, '..'), { recursive: true })
      await writeFile(join(root, path), text)
    },
    async powerOff() {
      const off = running?.exited
      await sh('systemctl poweroff')
      await off
      running = undefined
    },
    async [Symbol.asyncDispose]() {
      await cutPower()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

const patienceMs = 60_000

const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

/** Process 1 of the container, as this machine numbers it; before it there are others for a moment. */
async function firstChild(nspawn: ChildProcess, console: () => string): Promise<number> {
  const deadline = systemClock.monotonic() + patienceMs
  while (nspawn.exitCode === null && systemClock.monotonic() < deadline) {
    const children = await readFile(`/proc/${nspawn.pid}/task/${nspawn.pid}/children`, 'utf8').catch(() => '')
    for (const child of children.trim().split(' ').filter(Boolean))
      if ((await read(`/proc/${child}/comm`)) === 'systemd\n') return Number(child)
    await systemClock.sleep(50)
  }
  throw new Error(`systemd-nspawn started nothing:\n${console()}`)
}

async function atRest(sh: Machine['sh'], console: () => string): Promise<void> {
  const deadline = systemClock.monotonic() + patienceMs
  let state = ''
  while (systemClock.monotonic() < deadline) {
    state = (await sh('systemctl is-system-running')).stdout.trim()
    if (state === 'running' || state === 'degraded') return
    await systemClock.sleep(100)
  }
  throw new Error(`systemd did not come to rest (${state}):\n${console()}`)
}
