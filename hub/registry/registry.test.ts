import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Conflict, Invalid } from '../../core/errors.ts'
import { openDatabase } from '../../core/sqlite.ts'
import { StaleETag, TokenRefused } from '../errors.ts'
import type { RatPolicy } from './registrations.ts'
import { createRegistry, type RegistryMethods } from './registry.ts'

const agentId = 'a'.repeat(32)
const day = 86_400_000
let dir: string
let registry: RegistryMethods
let close: () => void
let serial = 0

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'edgeward-registry-'))
  open()
  registry.addTenant('demo', { clientId: 'c1', tenant: 'demo', secretHash: Buffer.alloc(32) }, 0)
  add('SHARED_SECRET')
})

afterEach(() => {
  close()
  rmSync(dir, { recursive: true })
})

function open() {
  const db = openDatabase(join(dir, 'registry.db'), { migrations: new URL('./migrations/', import.meta.url) })
  registry = createRegistry(db)
  close = () => db.close()
}

function add(securityProfile: 'SHARED_SECRET' | 'RSA_3072', id = agentId) {
  registry.addAgent({ id, tenant: 'demo', name: `press ${id}`, securityProfile, entityId: 'e' }, 10, 0)
  registry.openBoarding(id, { jti: `iat ${id}`, issuedAt: 0, expiresAt: 7 * day })
}

const attempt = (
  presentedJti: string,
  now: number,
  idempotencyKey: string | null = null,
  ratPolicy: RatPolicy = 'lenient',
) => ({
  agentId,
  presentedJti,
  idempotencyKey,
  key: { secret: `secret ${++serial}` },
  ratJti: `rat ${serial}`,
  now,
  lifetimeMs: 7 * day,
  ratPolicy,
})
const iat = `iat ${agentId}`
const secretsInForce = (now: number) => registry.credentialsInForce(agentId, now).map(({ secret }) => secret)

test('an initial access token registers once', () => {
  registry.register(attempt(iat, 1))
  expect(registry.findAgent(agentId)?.boardingStatus).toBe('ONBOARDED')
  expect(() => registry.register(attempt(iat, 2))).toThrow(TokenRefused)
})

test('an expired initial access token registers nobody, and boarding then hands out another', () => {
  expect(() => registry.register(attempt(iat, 7 * day))).toThrow(TokenRefused)
  const fresh = { jti: 'iat 2', issuedAt: 7 * day, expiresAt: 14 * day }
  expect(registry.openBoarding(agentId, fresh)).toEqual(fresh)
  expect(registry.register(attempt('iat 2', 7 * day))).toMatchObject({ presentedJti: 'iat 2' })
})

test('boarding hands out the same initial access token until it has expired', () => {
  const fresh = { jti: 'other', issuedAt: 3, expiresAt: 3 + 7 * day }
  expect(registry.openBoarding(agentId, fresh).jti).toBe(iat)
  registry.register(attempt(iat, 4))
  expect(registry.openBoarding(agentId, { ...fresh, issuedAt: 30 * day }).jti).toBe(iat)
})

test('a registration repeated with its idempotency key gets the same credential until that is used', () => {
  const first = registry.register(attempt(iat, 1, 'key'))
  expect(registry.register(attempt(iat, 30 * day, 'key'))).toEqual(first)
  expect(() => registry.register(attempt(iat, 2, 'another'))).toThrow(TokenRefused)
  registry.keyUsed(first.id, 3)
  expect(() => registry.register(attempt(iat, 4, 'key'))).toThrow(TokenRefused)
})

test('the use of an RSA key does not prove that the answer arrived, the use of its RAT does', () => {
  const id = 'b'.repeat(32)
  add('RSA_3072', id)
  const jwk = { kty: 'RSA' as const, kid: 'k', n: 'n', e: 'AQAB' }
  const request = { ...attempt(`iat ${id}`, 1, 'key'), agentId: id, key: { jwk } }
  const first = registry.register(request)
  registry.keyUsed(first.id, 2)
  expect(registry.register({ ...request, now: 3 })).toMatchObject({ id: first.id })
  const otherKey = { ...request, key: { jwk: { ...jwk, n: 'm' } } }
  expect(() => registry.register(otherKey)).toThrow(TokenRefused)
  registry.rotate({ ...request, presentedJti: first.ratJti, ratJti: 'next', now: 4 })
  expect(() => registry.register({ ...request, now: 5 })).toThrow(TokenRefused)
})

test('a lost rotation answer leaves the old RAT and secret good, the new ones retire them', () => {
  const first = registry.register(attempt(iat, 1))
  const lost = registry.rotate(attempt(first.ratJti, 2))
  const second = registry.rotate(attempt(first.ratJti, 3))
  expect(secretsInForce(4)).toEqual([second.secret, lost.secret, first.secret])
  registry.keyUsed(second.id, 4)
  expect(secretsInForce(5)).toEqual([second.secret])
  registry.rotate(attempt(second.ratJti, 6))
  expect(() => registry.rotate(attempt(first.ratJti, 7))).toThrow(TokenRefused)
  expect(() => registry.rotate(attempt(lost.ratJti, 7))).toThrow(TokenRefused)
})

test('a previous secret ends after the grace period and at its own expiry, its RAT at neither', () => {
  const first = registry.register(attempt(iat, 0))
  const second = registry.rotate(attempt(first.ratJti, day))
  expect(secretsInForce(2 * day - 1)).toEqual([second.secret, first.secret])
  expect(secretsInForce(2 * day)).toEqual([second.secret])
  expect(secretsInForce(8 * day)).toEqual([])
  expect(registry.rotate(attempt(first.ratJti, 300 * day)).expiresAt).toBe(307 * day)
})

test('a repeated rotation gets the same credential only while it is the newest and unused', () => {
  const first = registry.register(attempt(iat, 1))
  const rotated = registry.rotate(attempt(first.ratJti, 2, 'key'))
  expect(registry.rotate(attempt(first.ratJti, 3, 'key'))).toEqual(rotated)
  const third = registry.rotate(attempt(first.ratJti, 4, 'other'))
  expect(third.id).toBeGreaterThan(rotated.id)
  expect(registry.rotate(attempt(first.ratJti, 5, 'key')).id).toBeGreaterThan(third.id)
})

test('an agent that never gets an answer leaves few credentials behind and keeps its RAT', () => {
  const first = registry.register(attempt(iat, 1))
  registry.keyUsed(first.id, 1)
  for (let now = 2; now < 50; now++) registry.rotate(attempt(first.ratJti, now))
  expect(secretsInForce(50)).toHaveLength(5)
  expect(secretsInForce(50).at(-1)).toBe(first.secret)
})

test('offboarding ends secrets, RATs and the initial access token at once', () => {
  const first = registry.register(attempt(iat, 1))
  const { generation } = registry.findAgent(agentId) as { generation: number }
  expect(registry.offboard(agentId)).toMatchObject({
    boardingStatus: 'NOT_ONBOARDED',
    generation: generation + 1,
  })
  expect(secretsInForce(2)).toEqual([])
  expect(() => registry.rotate(attempt(first.ratJti, 2))).toThrow(TokenRefused)
  expect(() => registry.register(attempt(iat, 2))).toThrow(TokenRefused)
  expect(() => registry.offboard(agentId)).toThrow(Conflict)
})

test('the key must fit the security profile', () => {
  const jwk = { kty: 'RSA' as const, kid: 'k', n: 'n', e: 'AQAB' }
  expect(() => registry.register({ ...attempt(iat, 1), key: { jwk } })).toThrow(Invalid)
  expect(registry.register(attempt(iat, 2)).secret).toBeDefined()
})

test('a failure in the middle of a registration leaves no half-made agent', () => {
  const clash = registry.register(attempt(iat, 1))
  const id = 'c'.repeat(32)
  add('SHARED_SECRET', id)
  const failing = { ...attempt(`iat ${id}`, 2), agentId: id, ratJti: clash.ratJti } // UNIQUE fails at the last step
  expect(() => registry.register(failing)).toThrow(/UNIQUE/)
  close()
  open()
  expect(registry.findAgent(id)?.boardingStatus).toBe('ONBOARDING')
  expect(registry.register({ ...failing, ratJti: 'its own' }).id).toBeGreaterThan(clash.id)
})

test('a data source configuration is replaced only by who has seen the version in force', () => {
  const update = { configurationId: 'CF', dataSources: [] }
  expect(registry.configuration(agentId)).toEqual({ id: agentId, eTag: '0', dataSources: [] })
  expect(registry.configure(agentId, update, 0, 1)).toEqual({ id: agentId, eTag: '1', ...update })
  expect(() => registry.configure(agentId, update, 0, 2)).toThrow(StaleETag)
  expect(registry.configure(agentId, update, undefined, 3).eTag).toBe('2')
})

test('two data points must not share an id', () => {
  const point = { id: 'p', name: 'p', type: 'INT' as const }
  const update = { configurationId: 'CF', dataSources: [{ name: 's', dataPoints: [point, point] }] }
  expect(() => registry.configure(agentId, update, 0, 1)).toThrow(Invalid)
  expect(registry.configuration(agentId).eTag).toBe('0')
})

test('a removed agent is gone with all it had, and its readings are owed until they are removed', () => {
  registry.register(attempt(iat, 1))
  registry.configure(agentId, { configurationId: 'CF', dataSources: [] }, 0, 1)
  expect(() => registry.removeAgent(agentId, 9, 2)).toThrow(StaleETag)
  registry.removeAgent(agentId, 1, 2)
  close()
  open()
  expect(registry.findAgent(agentId)).toBeUndefined()
  expect(secretsInForce(3)).toEqual([])
  expect(registry.readingsToRemove()).toEqual([agentId])
  registry.forgetReadings(agentId)
  expect(registry.readingsToRemove()).toEqual([])
})

test('the profile of an onboarded agent is fixed, its name is not', () => {
  registry.register(attempt(iat, 1))
  expect(() => registry.updateAgent(agentId, 1, 'x', 'RSA_3072')).toThrow(Conflict)
  expect(registry.updateAgent(agentId, 1, 'x', 'SHARED_SECRET')).toMatchObject({ name: 'x', eTag: 2 })
  expect(() => registry.updateAgent(agentId, 1, 'y', 'SHARED_SECRET')).toThrow(StaleETag)
})

test('under the strict policy nothing is answered twice and a rotation ends all that was before', () => {
  const strict = (jti: string, now: number, key: string) => attempt(jti, now, key, 'strict')
  const first = registry.register(strict(iat, 1, 'key'))
  expect(() => registry.register(strict(iat, 2, 'key'))).toThrow(TokenRefused)
  const second = registry.rotate(strict(first.ratJti, 3, 'key 2'))
  expect(secretsInForce(4)).toEqual([second.secret])
  expect(() => registry.rotate(strict(first.ratJti, 4, 'key 2'))).toThrow(TokenRefused)
  expect(registry.rotate(strict(second.ratJti, 5, 'key 3')).id).toBeGreaterThan(second.id)
})
