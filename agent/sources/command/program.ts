import { spawn } from 'node:child_process'
import { DeviceError } from '../device-error.ts'

export interface Ended {
  exitCode: number
  output: Buffer
  /** The first line of what it said on its standard error. */
  complaint: string
}

const maxOutputBytes = 64 * 1024
const maxComplaintBytes = 4 * 1024

/**
 * Runs a program to its end: no shell, no input, no environment but a PATH. When aborted, or when it
 * says too much, it is killed with all that it started. Throws `DeviceError`, or the signal's reason.
 */
export async function runProgram(file: string, args: readonly string[], signal: AbortSignal): Promise<Ended> {
  signal.throwIfAborted()
  const child = spawn(file, args, {
    cwd: '/',
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group of its own, to be killed as a whole
  })
  const { promise, resolve, reject } = Promise.withResolvers<Ended>()
  const output: Buffer[] = []
  let outputBytes = 0
  let complaint = ''

  function end(reason: Error): void {
    kill(child.pid)
    reject(reason)
  }
  const abort = () => end(signal.reason)
  signal.addEventListener('abort', abort, { once: true })

  child.on('error', (cause) => reject(notStarted(file, cause)))
  child.stdout.on('data', (chunk: Buffer) => {
    outputBytes += chunk.length
    if (outputBytes > maxOutputBytes) end(tooMuch(file))
    else output.push(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < maxComplaintBytes) complaint += chunk.toString('utf8')
  })
  // What it left running would keep its output open, and nobody waits for that.
  child.on('exit', () => kill(child.pid))
  child.on('close', (exitCode, killedBy) => {
    if (exitCode === null) reject(killed(file, killedBy ?? 'a signal'))
    else resolve({ exitCode, output: Buffer.concat(output), complaint: firstLine(complaint) })
  })
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', abort)
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

/** Its process group; nobody may be left of it. */
function kill(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

const firstLine = (text: string): string => text.trim().split('\n', 1)[0]?.slice(0, 200) ?? ''

function notStarted(file: string, cause: Error): DeviceError {
  const { code = cause.message } = cause as NodeJS.ErrnoException
  return new DeviceError('not_started', `${file} cannot be started (${code})`, {
    cause,
    cure: 'Check the path, and that the user that edgeward runs as may execute it.',
  })
}

const killed = (file: string, by: string) =>
  new DeviceError('killed', `${file} was ended by ${by}`, { cure: 'Run it by hand as the same user.' })

const tooMuch = (file: string) =>
  new DeviceError('too_much_output', `${file} writes more than ${maxOutputBytes} bytes`, {
    cure: 'Let it write the values only.',
  })

export const failedWith = (file: string, { exitCode, complaint }: Ended) =>
  new DeviceError(
    'exit_code',
    `${file} ended with exit code ${exitCode}${complaint === '' ? '' : `: ${complaint}`}`,
    { cure: 'Run it by hand as the user that edgeward runs as, with an empty environment (env -i).' },
  )
