import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../core/clock.ts'
import { run } from '../../core/control.ts'
import { EdgeError } from '../../core/errors.ts'
import { type Http, openNetwork } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import type { BoardingConfiguration } from '../../protocol/boarding.ts'
import { type HubInProcess, hubInProcess, nothingToArchive, silent } from '../../test/hub-in-process.ts'
import { type Identity, openIdentity } from '../identity.ts'

const day = 86_400_000

let skew = 0
/** The hub's clock, which a test may set ahead. */
const hubClock: Clock = { ...systemClock, now: () => systemClock.now() + skew }

let hub: HubInProcess
let dir: string
let serial = 0
beforeAll(async () => {
  hub = await hubInProcess({ clock: hubClock })
})
afterAll(() => hub[Symbol.asyncDispose]())
beforeEach(async () => {
  skew = 0
  dir = await mkdtemp(join(tmpdir(), 'edgeward-onboarding-'))
  return () => rm(dir, { recursive: true })
})

const newAgent = () => hub.createAgent(`agent-${++serial}`, 'SHARED_SECRET')
const open = ({ http = openNetwork().http, clock = systemClock }: { http?: Http; clock?: Clock } = {}) =>
  openIdentity(
    { http, clock, random: systemRandom, log: silent, archive: nothingToArchive },
    { dir, retry: { initialMs: 5, maxMs: 20 } },
  )
const onboard = (identity: Identity, boarding: unknown) =>
  run(identity.operations, 'identity.onboard', { boarding })
const refusal = (asked: Promise<unknown>): Promise<EdgeError> =>
  asked.then(
    () => expect.unreachable(),
    (error) => {
      expect(error).toBeInstanceOf(EdgeError)
      return error
    },
  )

/** Every file of the identity with its content. */
async function onDisk(): Promise<Record<string, string>> {
  const names = await readdir(dir)
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name), 'utf8')] as const)),
  )
}

const stateOnDisk = async () => {
  const [file = ''] = Object.values(await onDisk())
  return JSON.parse(file.split('\n')[1] ?? '').state as object
}

const token = (claims: Record<string, unknown>, expiresAt: number) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(expiresAt / 1000)
    .sign(new Uint8Array(32))

type Content = BoardingConfiguration['content']
const edited = (boarding: BoardingConfiguration, content: Partial<Content>) => ({
  ...boarding,
  content: { ...boarding.content, ...content },
})

interface Refused {
  exitCode: number
  reason: RegExp
  document(boarding: BoardingConfiguration): unknown
}
const soon = Date.now() + day
const refusals: Record<string, Refused> = {
  'no boarding configuration': {
    exitCode: 2,
    reason: /\/content\/tenant|tenant.*\/expiration|expiration/,
    document: ({ content: { tenant: _, ...rest } }) => ({ content: rest }),
  },
  'a certificate that is none': {
    exitCode: 2,
    reason: /\/content\/ca is not a certificate/,
    document: (boarding) => edited(boarding, { ca: '-----BEGIN CERTIFICATE-----' }),
  },
  'a token that is no JWT': {
    exitCode: 2,
    reason: /\/content\/iat is not a JWT/,
    document: (boarding) => edited(boarding, { iat: 'abc' }),
  },
  'an expired file': {
    exitCode: 4,
    reason: /expired on 2020-01-01T00:00:00.000Z/,
    document: (boarding) => ({ ...boarding, expiration: '2020-01-01T00:00:00Z' }),
  },
  'an expired token': {
    exitCode: 4,
    reason: /expired on 2020-01-01T00:00:00.000Z/,
    document: async (boarding) => edited(boarding, { iat: await token({}, Date.UTC(2020, 0, 1)) }),
  },
  'a token of another tenant': {
    exitCode: 4,
    reason: /token is of tenant foreign, the file says default/,
    document: async (boarding) => edited(boarding, { iat: await token({ ten: 'foreign' }, soon) }),
  },
  'a token of another agent': {
    exitCode: 4,
    reason: /token is of agent stranger/,
    document: async (boarding) => edited(boarding, { iat: await token({ sub: 'stranger' }, soon) }),
  },
  'plain HTTP over the network': {
    exitCode: 2,
    reason: /clear text/,
    document: (boarding) => edited(boarding, { baseUrl: 'http://hub.example' }),
  },
  'plain MQTT over the network': {
    exitCode: 2,
    reason: /clear text/,
    document: (boarding) => edited(boarding, { mqtt: 'mqtt://hub.example' }),
  },
  'a token of another hub': {
    exitCode: 4,
    reason: /refused this box \(status 401/,
    document: async (boarding) => edited(boarding, { iat: await token({}, soon) }),
  },
}

test.for(Object.entries(refusals))(
  '%s is refused with reason and cure, and leaves no trace',
  async ([, refused]) => {
    const { boarding } = await newAgent()
    await using identity = await open()
    const error = await refusal(onboard(identity, await refused.document(boarding)))
    expect(error.message).toMatch(refused.reason)
    expect(error).toMatchObject({ exitCode: refused.exitCode, cure: expect.stringMatching(/\w+.*\./) })
    expect(await onDisk()).toEqual({})
    expect(identity.status().state).toBe('unboarded')
  },
)

/** What nobody expects in a boarding file: also text that has no UTF-8, and what is no header, URL or date. */
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom('\ud800', '\n', 'é.e30.', 1e300, -1e300, { toString: 1 }),
)
const members = (of: object) => fc.constantFrom(...Object.keys(of))
/** These lead nowhere: no URL, or in clear text over the network. */
const oddUrl = fc.oneof(
  odd,
  fc.constantFrom(
    'http://',
    'http://[',
    'https://h:99999',
    'ftp://h',
    'http://hub.example',
    'https://\ud800 ',
  ),
)
const oddToken = fc.oneof(
  odd,
  fc
    .dictionary(fc.constantFrom('exp', 'iat', 'ten', 'sub'), odd)
    .map((claims) => new UnsecuredJWT(claims as JWTPayload).encode()),
  fc.tuple(fc.string(), fc.string()).map(([head, tail]) => `${head}.e30.${tail}`),
)

/** The file after something has happened to it: members changed or lost, its text cut. */
function damaged(boarding: BoardingConfiguration): fc.Arbitrary<unknown> {
  const { content } = boarding
  const withContent = (key: string, value: unknown) => ({
    ...boarding,
    content: { ...content, [key]: value },
  })
  const text = JSON.stringify(boarding)
  return fc.oneof(
    fc.tuple(members(content), odd).map(([key, value]) => withContent(key, value)),
    members(content).map((key) => JSON.parse(JSON.stringify(withContent(key, undefined)))),
    fc.tuple(members(boarding), odd).map(([key, value]) => ({ ...boarding, [key]: value })),
    oddUrl.map((url) => withContent('baseUrl', url)),
    oddUrl.map((url) => withContent('mqtt', url)),
    oddToken.map((iat) => withContent('iat', iat)),
    fc.nat(text.length).map((end) => text.slice(0, end)),
    fc.jsonValue(),
  )
}

async function expectRefusals(identity: Identity, documents: fc.Arbitrary<unknown>): Promise<void> {
  const before = await onDisk()
  await fc.assert(
    fc.asyncProperty(documents, async (document) => {
      const { exitCode } = await refusal(onboard(identity, document))
      expect([2, 4, 5]).toContain(exitCode)
      expect(await onDisk()).toEqual(before)
    }),
    { numRuns: 300 },
  )
}

test('whatever a boarding file holds, a box that it does not onboard stays untouched', async () => {
  const { boarding } = await newAgent()
  await using identity = await open()
  await expectRefusals(identity, damaged(edited(boarding, { iat: await token({}, soon) })))
})

test('whatever a boarding file holds, it takes nothing from a box that works', async () => {
  const { boarding } = await newAgent()
  await using identity = await open()
  await onboard(identity, boarding)
  await expectRefusals(identity, damaged(edited(boarding, { baseUrl: await unusedAddress() })))
})

test('a box that belongs to one agent is not taken over by the file of another', async () => {
  const [first, second] = [await newAgent(), await newAgent()]
  await using identity = await open()
  await onboard(identity, first.boarding)
  const before = await onDisk()
  const error = await refusal(onboard(identity, second.boarding))
  expect(error).toMatchObject({ exitCode: 4, message: expect.stringContaining(first.id) })
  expect(await onDisk()).toEqual(before)
})

test('onboarding again keeps what works, and says so', async () => {
  const { id, boarding } = await newAgent()
  await using identity = await open()
  expect(await onboard(identity, boarding)).toMatchObject({ kept: false, agentId: id, state: 'onboarded' })
  const before = await onDisk()
  expect(await onboard(identity, boarding)).toMatchObject({
    kept: true,
    reason: expect.stringContaining('its credential works'),
  })
  expect(await onDisk()).toEqual(before)
})

test('a box that works does not mind that the boarding file of its agent has expired meanwhile', async () => {
  const { id, boarding } = await newAgent()
  await using identity = await open()
  await onboard(identity, boarding)
  const expired = { ...boarding, expiration: '2020-01-01T00:00:00Z' }
  expect(await onboard(identity, expired)).toMatchObject({ kept: true, agentId: id })
  await hub.ask('agent.offboard', { id })
  const again = { ...(await hub.boarding(id)), expiration: '2020-01-01T00:00:00Z' }
  expect(await refusal(onboard(identity, again))).toMatchObject({
    exitCode: 4,
    message: expect.stringContaining('expired on 2020'),
  })
})

test('onboarding again with other addresses moves the box, and its rotation with it', async () => {
  const { boarding } = await newAgent()
  await using identity = await open()
  await onboard(identity, boarding)
  let moves = 0
  identity.onChange(() => moves++)
  const baseUrl = hub.http.replace('127.0.0.1', 'localhost')
  const result = await onboard(identity, edited(boarding, { baseUrl, mqtt: 'mqtt://localhost:9' }))
  expect(result).toMatchObject({ kept: true, hub: baseUrl, reason: expect.stringContaining('addresses') })
  expect(identity.current()).toMatchObject({ baseUrl, mqtt: 'mqtt://localhost:9' })
  expect(moves).toBe(1)
  expect(Object.values(await onDisk()).join()).toContain(`"registrationUri":"${baseUrl}/`)
  await run(identity.operations, 'identity.rotate', {})
})

test('a box that was offboarded keeps its credential until a new file takes it in anew', async () => {
  const { id, boarding } = await newAgent()
  await using identity = await open()
  await onboard(identity, boarding)
  await hub.ask('agent.offboard', { id })
  const before = await onDisk()
  expect(await refusal(onboard(identity, boarding))).toMatchObject({
    exitCode: 4,
    message: expect.stringContaining('used already'),
  })
  expect(await onDisk()).toEqual(before)

  const again = await hub.boarding(id)
  expect(await onboard(identity, again)).toMatchObject({ kept: false, agentId: id })
  expect((await identity.accessToken()).token).toBeTruthy()
})

test('the daemon notices that it was offboarded, says so, and recovers by itself when it is taken in', async () => {
  const { id, boarding } = await newAgent()
  await using identity = await open()
  await onboard(identity, boarding)
  await hub.ask('agent.offboard', { id })
  identity.forget((await identity.accessToken()).token)
  const stop = new AbortController()
  const running = identity.run(stop.signal)
  expect(await refusal(identity.accessToken())).toMatchObject({ code: 'credential_refused', retryable: true })
  await expect
    .poll(() => identity.status())
    .toMatchObject({
      state: 'needs-onboarding',
      reason: expect.stringContaining('status 400'),
      agentId: id,
    })
  await onboard(identity, await hub.boarding(id))
  expect(identity.status()).toMatchObject({ state: 'onboarded' })
  stop.abort()
  await running
})

test('a file that the hub does not take leads back to where the box was', async () => {
  const { id, boarding } = await newAgent()
  await using identity = await open()
  await onboard(identity, boarding)
  await hub.ask('agent.offboard', { id })
  const before = await stateOnDisk()
  const foreign = edited(boarding, { iat: await token({}, soon) })
  expect(await refusal(onboard(identity, foreign))).toMatchObject({ code: 'onboarding_refused' })
  expect(await stateOnDisk()).toEqual(before)
})

test('with the hub unreachable the file is kept, and the box taken in when the hub is back', async () => {
  const { boarding } = await newAgent()
  let down = true
  const network = openNetwork().http
  const dead = await unusedAddress()
  const http: Http = (request) => network(down ? { ...request, url: dead } : request)
  await using identity = await open({ http })
  expect(await refusal(onboard(identity, boarding))).toMatchObject({
    code: 'hub_unreachable',
    exitCode: 5,
    message: expect.stringContaining('saved'),
  })
  expect(identity.status()).toMatchObject({
    state: 'onboarding',
    reason: expect.stringContaining('ECONNREFUSED'),
  })

  const stop = new AbortController()
  const running = identity.run(stop.signal)
  down = false
  expect(await identity.onboarded(stop.signal)).toMatchObject({ agentId: boarding.content.clientId })
  stop.abort()
  await running
})

test('the file with the address set right replaces the one with the wrong address', async () => {
  const { boarding } = await newAgent()
  await using identity = await open()
  await refusal(onboard(identity, edited(boarding, { baseUrl: await unusedAddress() })))
  expect(await onboard(identity, boarding)).toMatchObject({ kept: false, state: 'onboarded' })
})

test('a box whose clock is days behind is taken in with the time of the hub', async () => {
  const { boarding } = await newAgent()
  const clock: Clock = { ...systemClock, now: () => systemClock.now() - 3 * day }
  await using identity = await open({ clock })
  await onboard(identity, boarding)
  expect((await identity.accessToken()).token).toBeTruthy()
})

test('a box that was off for months renews its expired secret with the registration token', async () => {
  const { boarding } = await newAgent()
  await using identity = await open()
  await onboard(identity, boarding)
  const { credential } = identity.status()
  identity.forget((await identity.accessToken()).token)
  skew = 90 * day
  const stop = new AbortController()
  const running = identity.run(stop.signal)
  await refusal(identity.accessToken())
  await expect
    .poll(() => identity.status())
    .toMatchObject({ state: 'onboarded', credential: expect.not.stringContaining(credential ?? '') })
  expect((await identity.accessToken()).token).toBeTruthy()
  stop.abort()
  await running
})

test('a box that is not onboarded has neither a token nor a rotation', async () => {
  await using identity = await open()
  for (const name of ['identity.token', 'identity.rotate'])
    expect(await refusal(run(identity.operations, name, {}))).toMatchObject({
      code: 'not_onboarded',
      exitCode: 3,
    })
})

test('a damaged identity is said to be so, and stays as it is', async () => {
  await writeFile(
    join(dir, 'identity.json'),
    '{"version":1,"state":{"at":"onboarded","client_secret":"s3cr3t',
  )
  const before = await onDisk()
  const error = await refusal(open())
  expect(error).toMatchObject({ code: 'identity_unreadable', cure: expect.stringContaining('backup') })
  expect(error.message).not.toContain('s3cr3t')
  expect(await onDisk()).toEqual(before)
})

/** Where nobody listens. */
async function unusedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}
