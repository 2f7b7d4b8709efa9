import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { until } from './measure.ts'

/** A mosquitto of this machine on a port of ours. */
export interface Mosquitto extends AsyncDisposable {
  readonly url: string
  kill(): Promise<void>
}

export async function startMosquitto(
  dir: string,
  port: number,
  settings: readonly string[],
): Promise<Mosquitto> {
  await mkdir(dir, { recursive: true })
  const file = join(dir, 'mosquitto.conf')
  const own = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'user root', 'log_type none']
  await writeFile(file, [...own, ...settings, ''].join('\n'))
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin` }
  const child = spawn('mosquitto', ['-c', file], { stdio: 'ignore', env })
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  await Promise.race([until('mosquitto listens', () => listens(port)), failed])
  const kill = () => ended(child)
  return { url: `mqtt://127.0.0.1:${port}`, kill, [Symbol.asyncDispose]: kill }
}

/** As a power cut of the program alone: nothing is saved on the way out. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}

function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(port, '127.0.0.1')
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}
