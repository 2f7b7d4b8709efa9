import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Somebody's server as a process of its own, so that its CPU time can be told. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number
  /** The line that it printed when it was ready: a URL or a JSON object. */
  readonly said: string
}

export async function startServer(command: string, args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = Promise.withResolvers<string>()
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    if (/^(?:http|\{)/.test(line)) said.resolve(line)
  })
  child.once('exit', (code) => said.reject(new Error(`${command} ended with ${code}`)))
  return { pid: child.pid as number, said: await said.promise, [Symbol.asyncDispose]: () => end(child) }
}

export const startFixture = (name: string, args: readonly string[]): Promise<ServerProcess> =>
  startServer(process.execPath, [fileURLToPath(new URL(`./${name}.fixture.ts`, import.meta.url)), ...args])

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** A tick of /proc, on every Linux that Node runs on. */
const tickMs = 10

/** Milliseconds of CPU that the process has used with all its threads, in user mode and for it in the kernel. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return (Number(utime) + Number(stime)) * tickMs
}
