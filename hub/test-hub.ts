import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { systemClock } from '../core/clock.ts'
import { run } from '../core/control.ts'
import { openNetwork } from '../core/net/index.ts'
import { systemRandom } from '../core/random.ts'
import {
  type BoardingConfiguration,
  parseBoardingConfiguration,
  type SecurityProfile,
} from '../protocol/boarding.ts'
import type { Registration } from '../protocol/registration.ts'
import { clientAssertionType } from '../protocol/token.ts'
import { type Hub, type HubConfig, type HubLimits, openHub } from './index.ts'

export const day = 86_400_000
export const management = '/api/agentmanagement/v3'

export const limits: HubLimits = {
  uploadBytes: 100_000,
  fileBytes: 150_000,
  agentsPerTenant: 100,
  diagnosticActivationsPerTenant: 5,
  eventMappingsPerAgent: 50,
  eventMappingsPerEventType: 5,
  listAgents: [],
  deleteAgents: [],
  exchange: [],
  technicalTokens: {
    lifetimeMs: 1_800_000,
    secretOverlapMs: day,
    perRequest: 5,
    tenantsPerPage: 500,
    rate: [],
  },
}

const http = openNetwork().http
const rsaKeys = generateKeyPairSync('rsa', { modulusLength: 3072 })

/** Body of a registration with the key that `TestHub.token` signs with. */
export const jwks = {
  keys: [
    { kid: 'k', ...(rsaKeys.publicKey.export({ format: 'jwk' }) as { kty: 'RSA'; n: string; e: string }) },
  ],
}

// biome-ignore lint/suspicious/noExplicitAny: answers are JSON that each test looks into
export type Json = any

interface Call {
  token?: string
  /** Text is sent as a form, anything else as JSON. */
  body?: object | string
  headers?: Record<string, string>
}

export type TestHub = Awaited<ReturnType<typeof startHub>>

/** For tests: the real hub over real sockets, in a temporary directory, with the tenant "default". */
export async function startHub(settings: Partial<HubConfig> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-hub-'))
  const time = { laterMs: 0 }
  const now = () => systemClock.now() + time.laterMs
  const open = (at: string): Promise<Hub> =>
    openHub(
      { clock: { ...systemClock, now }, random: systemRandom, log: pino({ level: 'silent' }) },
      {
        dir: at,
        http: '127.0.0.1:0',
        mqtt: '127.0.0.1:0',
        iatLifetimeMs: 7 * day,
        credentialLifetimeMs: 7 * day,
        tokenLifetimeMs: 3_600_000,
        ratPolicy: 'lenient',
        limits,
        ...settings,
      },
    )
  let hub = await open(dir)
  let base = (await hub.listen()).http

  const operate = (name: string, params: object, of = hub): Promise<Json> => run(of.operations, name, params)

  async function call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    { token, body, headers }: Call = {},
  ) {
    const type = typeof body === 'string' ? 'application/x-www-form-urlencoded' : 'application/json'
    const answer = await http({
      method,
      url: `${base}${path}`,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': type }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = answer.body.toString()
    const json: Json = text === '' ? null : JSON.parse(text)
    return { status: answer.status, headers: answer.headers, json }
  }

  const bytes = async (path: string, token: string): Promise<Buffer> =>
    (await http({ method: 'GET', url: `${base}${path}`, headers: { authorization: `Bearer ${token}` } })).body

  async function serviceToken({ client_id, client_secret }: Json): Promise<string> {
    const authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`
    const body = 'grant_type=client_credentials'
    return (await call('POST', '/oauth/token', { body, headers: { authorization } })).json.access_token
  }

  function assertion({ client_id: id, client_secret: secret }: Registration): string {
    const iat = Math.floor(now() / 1000)
    const claims = { iss: id, sub: id, aud: ['southgate'], iat, nbf: iat, exp: iat + 3600, jti: 'j' }
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    const text = `${encode({ alg: secret ? 'HS256' : 'RS256' })}.${encode(claims)}`
    const signature = secret
      ? createHmac('sha256', secret).update(text).digest()
      : sign('RSA-SHA256', Buffer.from(text), rsaKeys.privateKey)
    return `${text}.${signature.toString('base64url')}`
  }

  return {
    dir,
    base: () => base,
    /** How far the hub's wall clock and the agents' are ahead of this machine's. */
    time,
    /** A second hub, not listening. */
    open,
    operate,
    call,
    /** What is at a path, as it is. */
    bytes,
    serviceToken,
    /** Of the tenant "default". */
    service: await serviceToken(await operate('init', {})),
    async restart(): Promise<void> {
      await hub[Symbol.asyncDispose]()
      hub = await open(dir)
      base = (await hub.listen()).http
    },
    async create(profile: SecurityProfile, given: { name?: string; tenant?: string } = {}) {
      const asked = { name: randomUUID(), tenant: 'default', ...given }
      const { id, boarding } = await operate('agent.create', { ...asked, profile })
      return { id: id as string, boarding: parseBoardingConfiguration(boarding, 'boarding') }
    },
    register: ({ content }: BoardingConfiguration, body: object = {}, headers = {}) =>
      call('POST', `${management}/register`, { token: content.iat, body, headers }),
    rotate: (registration: Registration, body: object = {}, headers = {}) =>
      call('PUT', new URL(registration.registration_client_uri).pathname, {
        token: registration.registration_access_token,
        body: { client_id: registration.client_id, ...body },
        headers,
      }),
    token: (registration: Registration) =>
      call('POST', `${management}/oauth/token`, {
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_assertion_type: clientAssertionType,
          client_assertion: assertion(registration),
        }).toString(),
      }),
    async [Symbol.asyncDispose](): Promise<void> {
      await hub[Symbol.asyncDispose]()
      await rm(dir, { recursive: true })
    },
  }
}
