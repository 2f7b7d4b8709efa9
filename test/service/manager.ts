import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { eventually } from '../harness.ts'

/** As systemd does it: a datagram is a message. Node has no such sockets. */
const receiver = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('[]', flush=True)
while True:
    print(json.dumps(s.recv(65536).decode().splitlines()), flush=True)
`

/** In the place of systemd: keeps what it is told, in order. */
export interface FakeManager extends AsyncDisposable {
  readonly socket: string
  readonly told: readonly string[]
  hears(line: string): Promise<void>
  /** How many times it was fed so far. */
  fed(): number
}

export async function startManager(socket: string): Promise<FakeManager> {
  const child = spawn('python3', ['-c', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const told: string[] = []
  const bound = Promise.withResolvers<void>()
  createInterface(child.stdout).on('line', (line) => {
    bound.resolve()
    told.push(...(JSON.parse(line) as string[]).filter((one) => one !== 'BARRIER=1'))
  })
  await bound.promise
  return {
    socket,
    told,
    hears: (line) => eventually(`${line} in ${JSON.stringify(told)}`, async () => told.includes(line)),
    fed: () => told.filter((line) => line === 'WATCHDOG=1').length,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
