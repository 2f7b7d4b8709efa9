import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { findProgram } from '../../../test/peers.ts'

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isThere = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return isThere
}

/** A broker that nobody here wrote, until the test ends. `files` are put beside its configuration. */
export async function mosquitto(
  settings: readonly string[] = ['allow_anonymous true'],
  files: Readonly<Record<string, string>> = {},
) {
  const dir = await mkdtemp(join(tmpdir(), 'mosquitto-'))
  const port = await freePort()
  const [tcp, ws] = [port, await freePort()]
  const lines = [`listener ${tcp} 127.0.0.1`, `listener ${ws} 127.0.0.1`, 'protocol websockets', ...settings]
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o644 })
  const conf = join(dir, 'mosquitto.conf')
  await writeFile(conf, `${lines.join('\n').replaceAll('DIR', dir)}\npersistence false\nuser root\n`)
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    child = spawn(findProgram('mosquitto') as string, ['-c', conf], { stdio: 'ignore' })
    while (!(await accepts(tcp)) || !(await accepts(ws))) await systemClock.sleep(20)
  }
  async function stop(): Promise<void> {
    if (!child || child.exitCode !== null) return
    child.kill()
    await once(child, 'exit')
  }
  await start()
  onTestFinished(async () => {
    await stop()
    await rm(dir, { recursive: true })
  })
  return { url: `mqtt://127.0.0.1:${tcp}`, wsUrl: `ws://127.0.0.1:${ws}`, dir, start, stop }
}
