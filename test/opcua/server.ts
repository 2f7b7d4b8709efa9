import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Change, ServerOptions } from './server.fixture.ts'

/** node-opcua's server as a process of its own. */
export interface OpcuaServer extends AsyncDisposable {
  readonly endpoint: string
  /** A variable that there is not is added, as a Double. */
  set(name: string, value: unknown, more?: Pick<Change, 'status' | 'sourceTime'>): Promise<void>
}

export const plantNamespace = 'http://plant.example/press'

export async function startServer(
  options: Partial<ServerOptions> & { port: number; dir: string },
): Promise<OpcuaServer> {
  const all: ServerOptions = { namespaces: [plantNamespace], ...options }
  const child = fork(fileURLToPath(new URL('server.fixture.ts', import.meta.url)), [JSON.stringify(all)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  })
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const ended = once(child, 'exit')
  await Promise.race([
    once(child, 'message'),
    ended.then(() => {
      throw new Error(`the OPC UA server ended: ${errors}`)
    }),
  ])
  return {
    endpoint: `opc.tcp://127.0.0.1:${all.port}`,
    async set(name, value, more = {}) {
      const done = once(child, 'message')
      child.send({ set: name, value, ...more } satisfies Change)
      await done
    },
    async [Symbol.asyncDispose]() {
      await end(child, ended)
    },
  }
}

async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL')
  await ended
}
