import { type ChildProcess, spawn } from 'node:child_process'
import { readlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../core/clock.ts'
import { findProgram } from '../peers.ts'

/** Modbus devices that nobody here wrote: pymodbus, and socat for the cable. */

const plantProgram = fileURLToPath(new URL('plant.py', import.meta.url))

/** A value as the simulator encoded it. */
export interface Encoded {
  address: number
  type: string
  byteOrder: 'big' | 'little'
  wordOrder: 'big' | 'little'
  length?: number
  value: string
}

export interface Plant extends AsyncDisposable {
  readonly encoded: Encoded[]
}

/** pymodbus of the distribution, whichever Python comes first in the path. */
export async function startPlant(transport: 'tcp' | 'rtu' | 'rtu-over-tcp', place: string): Promise<Plant> {
  const child = spawn('/usr/bin/python3', [plantProgram, transport, place], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  try {
    const [first] = await Array.fromAsync(firstLine(child))
    if (first === undefined) throw new Error('it ended')
    if (transport !== 'rtu') await listening(Number(place))
    return { encoded: JSON.parse(first), [Symbol.asyncDispose]: () => ended(child) }
  } catch (cause) {
    await ended(child)
    throw new Error(`the simulator did not start: ${said}`, { cause })
  }
}

async function* firstLine({ stdout }: ChildProcess): AsyncGenerator<string> {
  if (!stdout) return
  for await (const line of createInterface(stdout)) {
    yield line
    return
  }
}

async function listening(port: number): Promise<void> {
  await until(`port ${port}`, async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    return promise.finally(() => socket.destroy())
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const { promise, resolve } = Promise.withResolvers<void>()
  child.once('exit', () => resolve())
  child.kill('SIGKILL')
  await promise
}

/** Two serial ports that are wired to each other. */
export async function openCable(dir: string): Promise<AsyncDisposable & { ends: [string, string] }> {
  const links = [join(dir, 'a'), join(dir, 'b')] as const
  const child = spawn(
    findProgram('socat') as string,
    links.map((link) => `pty,raw,echo=0,link=${link}`),
    { stdio: 'ignore' },
  )
  const end = (link: string) => readlink(link).catch(() => undefined)
  await until(
    'the pair of ports',
    async () => (await end(links[0])) !== undefined && (await end(links[1])) !== undefined,
  )
  const ends = [await readlink(links[0]), await readlink(links[1])] as [string, string]
  return { ends, [Symbol.asyncDispose]: () => ended(child) }
}

/** Asks until it is so; 15 s at most. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 750; attempt++) {
    if (await isSo()) return
    await systemClock.sleep(20)
  }
  throw new Error(`${what} did not come about`)
}
