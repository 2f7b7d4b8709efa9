import { Agent } from 'node:http'
import { startGateway, tempDir } from '../test/harness.ts'
import { findProgram } from '../test/peers.ts'
import { ask } from './ask.ts'
import type { Bench, Effort, Measured, Target } from './bench.ts'
import { startGlewlwyd } from './glewlwyd.ts'
import { interleaved, rounded } from './measure.ts'
import { cpuMs, startFixture } from './server-process.ts'

/**
 * CPU time (user and system, all threads) of the server process over the introspections that it answered,
 * asked over eight kept connections with client credentials (Basic) about tokens that are active. The peers
 * get the same question about a token of theirs; the bare server answers everything with our reply.
 */
export const introspect: Bench = {
  name: 'introspect',
  about: 'CPU per introspection, over a bare node:http reply, oidc-provider and glewlwyd',
  measure: async ({ quick, say }: Effort): Promise<Measured> => {
    if (findProgram('glewlwyd') === undefined) throw new Error('glewlwyd is not installed')
    const rounds = quick ? 2 : 7
    const requests = quick ? 2000 : 8000
    await using held = new AsyncDisposableStack()
    const ours = await startOurs(held)
    const bare = held.use(await startFixture('bare-http', [await askOne(ours)]))
    const contestants = {
      edgeward: ours,
      bare: { ...ours, pid: bare.pid, url: new URL(bare.said) },
      'oidc-provider': await startOidcProvider(held),
      glewlwyd: await startGlewlwydWithTokens(held),
    }
    for (const contestant of Object.values(contestants)) await load(contestant, requests) // warm
    const measureOne = (name: keyof typeof contestants) => async () => {
      const microseconds = await load(contestants[name], requests)
      say(`${name}: ${rounded(microseconds)} µs`)
      return microseconds
    }
    const names = Object.keys(contestants) as (keyof typeof contestants)[]
    const all = Object.fromEntries(names.map((name) => [name, measureOne(name)]))
    return judge(
      rounds,
      await interleaved(rounds, all as Record<keyof typeof contestants, () => Promise<number>>),
    )
  },
}

interface Contestant {
  pid: number
  url: URL
  authorization: string
  tokens: readonly string[]
}

const connections = 8
const app = { id: 'bench', secret: 'a-secret-of-the-bench' }
const people = 20
const password = 'a password of the bench'

async function startOurs(held: AsyncDisposableStack): Promise<Contestant> {
  const dir = held.use(await tempDir())
  const gateway = held.use(await startGateway(dir.path, { EDGEWARD_LOG_LEVEL: 'warn' }))
  const { client_secret } = await gateway.operate<{ client_secret: string }>('app.add', {
    name: app.id,
    version: '1',
  })
  const tokens: string[] = []
  for (let n = 0; n < people; n++) {
    const username = `person-${n}`
    await gateway.operate('user.add', { name: username, roles: n === 0 ? ['Admin'] : ['Operator'], password })
    const login = new URL('/device/edge/api/v1/login/direct', gateway.addresses.auth)
    const body = JSON.stringify({ username, password })
    const answer = await ask(login, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    tokens.push((JSON.parse(answer) as { access_token: string }).access_token)
  }
  return {
    pid: gateway.process.pid as number,
    url: new URL('/device/edge/auth/oauth2/introspect', gateway.addresses.auth),
    authorization: basic(app.id, client_secret),
    tokens,
  }
}

async function startOidcProvider(held: AsyncDisposableStack): Promise<Contestant> {
  const { pid, said } = held.use(await startFixture('oidc-provider', [app.id, app.secret, String(people)]))
  const { url, tokens } = JSON.parse(said) as { url: string; tokens: string[] }
  return { pid, url: new URL('/token/introspection', url), authorization: basic(app.id, app.secret), tokens }
}

async function startGlewlwydWithTokens(held: AsyncDisposableStack): Promise<Contestant> {
  const { pid, url } = held.use(await startGlewlwyd(app))
  const authorization = basic(app.id, app.secret)
  const tokens = await tokensOfGlewlwyd(new URL(`${url}/oidc/token`), authorization)
  return { pid, url: new URL(`${url}/oidc/introspect`), authorization, tokens }
}

async function tokensOfGlewlwyd(url: URL, authorization: string): Promise<string[]> {
  const tokens: string[] = []
  for (let n = 0; n < people; n++) {
    const body = 'grant_type=client_credentials&scope=openid'
    const answer = await ask(url, { method: 'POST', headers: { ...form, authorization }, body })
    tokens.push((JSON.parse(answer) as { access_token: string }).access_token)
  }
  return tokens
}

const form = { 'content-type': 'application/x-www-form-urlencoded' }

const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${encodeURIComponent(secret)}`).toString('base64')}`

async function askOne({ url, authorization, tokens }: Contestant, n = 0, agent?: Agent): Promise<string> {
  const body = `token=${tokens[n % tokens.length]}`
  const headers = { ...form, authorization }
  const answer = await ask(url, { method: 'POST', headers, body, ...(agent ? { agent } : {}) })
  if (!answer.includes('"active":true')) throw new Error(`${url.href} said ${answer}`)
  return answer
}

/** Microseconds of CPU per request. */
async function load(contestant: Contestant, requests: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let asked = 0
  const before = cpuMs(contestant.pid)
  const one = async () => {
    while (asked < requests) await askOne(contestant, asked++, agent)
  }
  await Promise.all(Array.from({ length: connections }, one))
  const used = cpuMs(contestant.pid) - before
  agent.destroy()
  return (used * 1000) / requests
}

function judge(
  rounds: number,
  cpu: Record<'edgeward' | 'bare' | 'oidc-provider' | 'glewlwyd', number>,
): Measured {
  const { edgeward } = cpu
  const ratio = {
    overBare: rounded(edgeward / cpu.bare),
    oidcProviderOverOurs: rounded(cpu['oidc-provider'] / edgeward),
    glewlwydOverOurs: rounded(cpu.glewlwyd / edgeward),
  }
  return {
    unit: 'microseconds of CPU per introspection; ratios',
    runs: rounds,
    ours: { edgeward: rounded(edgeward) },
    peer: {
      bare: rounded(cpu.bare),
      'oidc-provider': rounded(cpu['oidc-provider']),
      glewlwyd: rounded(cpu.glewlwyd),
    },
    ratio,
    must: must(ratio),
  }
}

const must = (ratio: Record<'overBare' | 'oidcProviderOverOurs' | 'glewlwydOverOurs', number>): Target[] => [
  { figure: 'ratio.overBare', is: ratio.overBare, atMost: 1.9 },
  { figure: 'ratio.oidcProviderOverOurs', is: ratio.oidcProviderOverOurs, atLeast: 4 },
  { figure: 'ratio.glewlwydOverOurs', is: ratio.glewlwydOverOurs, atLeast: 6 },
]
