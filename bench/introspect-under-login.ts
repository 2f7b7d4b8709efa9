import { spawn } from 'node:child_process'
import { Agent } from 'node:http'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../core/clock.ts'
import { startGateway, tempDir } from '../test/harness.ts'
import { ask } from './ask.ts'
import type { Bench, Effort, Measured } from './bench.ts'
import { median, pause, percentile, rounded } from './measure.ts'

/**
 * Introspection at a steady rate over eight kept connections, first alone, then while 64 clients sign in as
 * fast as they are answered: each sign-in is a password that must be hashed, or is sent away because too
 * many wait. In turns, on one daemon.
 */
export const introspectUnderLogin: Bench = {
  name: 'introspect-under-login',
  about: 'p99 of introspection while 64 logins hash, over quiet',
  measure: async ({ quick, say }: Effort): Promise<Measured> => {
    const rounds = quick ? 1 : 5
    const forMs = quick ? 3000 : 8000
    await using box = await startBox()
    await introspect(box, forMs / 2) // warm
    const quiet: number[] = []
    const busy: number[] = []
    let hashed = 0
    for (let round = 0; round < rounds; round++) {
      quiet.push(percentile(await introspect(box, forMs), 99))
      const logins = hammer(box)
      await pause(1000)
      busy.push(percentile(await introspect(box, forMs), 99))
      hashed += await logins.stop()
      say(`round ${round + 1}: quiet ${rounded(quiet.at(-1) ?? 0)} ms, busy ${rounded(busy.at(-1) ?? 0)} ms`)
    }
    const [p99, quietP99] = [median(busy), median(quiet)]
    const ratio = { p99: rounded(p99 / quietP99) }
    return {
      unit: `milliseconds at the 99th percentile, ${perSecond} introspections/s; sign-ins that were hashed`,
      runs: rounds,
      ours: { p99: rounded(p99), hashed },
      peer: { quietP99: rounded(quietP99) },
      ratio,
      must: [{ figure: 'ratio.p99', is: ratio.p99, atMost: 3 }],
    }
  },
}

const perSecond = 200
const connections = 8
const clients = 64
const username = 'bench'
const password = 'a password of the bench'
const worker = (n: number): string => `worker-${n}`

interface Box extends AsyncDisposable {
  introspection: URL
  login: URL
  authorization: string
  token: string
}

async function startBox(): Promise<Box> {
  await using held = new AsyncDisposableStack()
  const dir = held.use(await tempDir())
  const gateway = held.use(await startGateway(dir.path, { EDGEWARD_LOG_LEVEL: 'silent' }))
  await gateway.operate('user.add', { name: username, roles: ['Admin'], password })
  for (let n = 0; n < clients; n++)
    await gateway.operate('user.add', { name: worker(n), roles: ['Operator'], password })
  const { client_secret: secret } = await gateway.operate<{ client_secret: string }>('app.add', {
    name: 'bench',
    version: '1',
  })
  const login = new URL('/device/edge/api/v1/login/direct', gateway.addresses.auth)
  const headers = { 'content-type': 'application/json' }
  const answer = await ask(login, { method: 'POST', headers, body: JSON.stringify({ username, password }) })
  const all = held.move()
  return {
    introspection: new URL('/device/edge/auth/oauth2/introspect', gateway.addresses.auth),
    login,
    authorization: `Basic ${Buffer.from(`bench:${secret}`).toString('base64')}`,
    token: (JSON.parse(answer) as { access_token: string }).access_token,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Milliseconds that each took, from when it was due: a late start counts. */
async function introspect({ introspection, authorization, token }: Box, forMs: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization }
  const took: number[] = []
  const start = systemClock.monotonic()
  const asked: Promise<void>[] = []
  for (let due = start; due < start + forMs; due += 1000 / perSecond) {
    await pause(Math.max(0, due - systemClock.monotonic()))
    const question = { method: 'POST', headers, body: `token=${token}`, agent }
    asked.push(ask(introspection, question).then(() => void took.push(systemClock.monotonic() - due)))
  }
  await Promise.all(asked)
  agent.destroy()
  return took
}

/**
 * The clients are a process of their own, of low priority: in the field they are other machines, and what
 * their requests wait for their own loop or take of this machine's cores is nothing that the gateway does.
 */
function hammer({ login }: Box) {
  const fixture = fileURLToPath(new URL('./sign-ins.fixture.ts', import.meta.url))
  const names = Array.from({ length: clients }, (_, n) => worker(n))
  const child = spawn(process.execPath, [fixture, login.href, password, ...names], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const hashed = text(child.stdout)
  return {
    async stop(): Promise<number> {
      child.stdin.end()
      const said = await hashed
      if (said === '') throw new Error('the clients have failed')
      return Number(said)
    },
  }
}
