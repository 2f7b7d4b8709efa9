import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { beforeEach, expect, test } from 'vitest'
import { systemRandom } from '../../core/random.ts'
import { silent } from '../../test/hub-in-process.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { IdentityUnreadable } from '../errors.ts'
import type { State } from '../onboarding/machine.ts'
import { signAssertion } from './assertion.ts'
import { credentialName, newAttempt, publicJwk } from './credential.ts'
import { expiryOf, nominalLifeMs, rotateAt } from './policy.ts'
import { createAccessTokens } from './tokens.ts'
import { openVault } from './vault.ts'

const now = Date.UTC(2026, 0, 1)
const claims = { tenant: 'plant', agentId: 'press', now, jti: 'j1' }
const checks = { audience: 'southgate', issuer: 'press', subject: 'press', currentDate: new Date(now) }
const expected = {
  ten: 'plant',
  schemas: ['urn:siemens:mindsphere:v1'],
  aud: ['southgate'],
  jti: 'j1',
  iat: now / 1000,
}

test('an assertion of a secret is signed with its UTF-8 bytes', async () => {
  const secret = 'pässwörd that is long enough to be one'
  const assertion = await signAssertion({ secret }, claims)
  const { payload } = await jwtVerify(assertion, Buffer.from(secret, 'utf8'), {
    ...checks,
    algorithms: ['HS256'],
  })
  expect(payload).toMatchObject(expected)
  expect((payload.exp ?? 0) - now / 1000).toBeLessThanOrEqual(3600)
})

test('an assertion of a key verifies with the public key that is registered', async () => {
  const { key } = await newAttempt('RSA_3072', systemRandom)
  if (!key) return expect.unreachable()
  expect(Object.keys(publicJwk(key)).sort()).toEqual(['e', 'kid', 'kty', 'n'])
  expect(Buffer.from(key.n, 'base64url')).toHaveLength(384)
  const keys = createLocalJWKSet({ keys: [publicJwk(key)] })
  const assertion = await signAssertion({ key }, claims)
  const { payload } = await jwtVerify(assertion, keys, { ...checks, algorithms: ['RS256'] })
  expect(payload).toMatchObject(expected)
})

test('the short name of a credential differs from one to the next and is not made of the secret', () => {
  const [one, two] = ['first secret', 'second secret'].map((secret) => credentialName({ secret }))
  expect(one).toMatch(/^[0-9a-f]{12}$/)
  expect(one).not.toBe(two)
})

test('rotation falls between 50 and 70 % of the life, whatever the jitter', () => {
  const life = fc.integer({ min: 1000, max: 1e10 })
  fc.assert(
    fc.property(life, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (lifeMs, jitter) => {
      const share = (rotateAt({ issuedAt: now, expiresAt: now + lifeMs }, jitter) - now) / lifeMs
      expect(share).toBeGreaterThan(0.499)
      expect(share).toBeLessThan(0.701)
    }),
  )
})

test.for([undefined, 0, now / 1000 - 1])(
  'an expiry of %s does not make the box rotate without end',
  (seconds) => {
    expect(expiryOf(seconds, now)).toBe(now + nominalLifeMs)
  },
)

test('however many ask for an access token, one is fetched, and fetched anew at 80 % of its life', async () => {
  const clock = manualClock()
  let fetched = 0
  const tokens = createAccessTokens(
    async () => ({ access_token: `t${++fetched}`, token_type: 'Bearer', expires_in: 100 }),
    clock,
  )
  const many = await Promise.all([tokens.get(), tokens.get(), tokens.get()])
  expect(many.map(({ token }) => token)).toEqual(['t1', 't1', 't1'])
  await clock.advance(79_999)
  expect((await tokens.get()).token).toBe('t1')
  await clock.advance(1)
  expect((await tokens.get()).token).toBe('t2')
  tokens.forget('t1') // not the one in use any more
  expect((await tokens.get()).token).toBe('t2')
  tokens.forget('t2')
  expect((await tokens.get()).token).toBe('t3')
})

test('one caller that gives up does not take the token from the others', async () => {
  const answer = Promise.withResolvers<void>()
  const tokens = createAccessTokens(async () => {
    await answer.promise
    return { access_token: 't', token_type: 'Bearer', expires_in: 100 }
  }, manualClock())
  const impatient = new AbortController()
  const [first, second] = [tokens.get(impatient.signal), tokens.get()]
  impatient.abort(new Error('gave up'))
  await expect(first).rejects.toThrow('gave up')
  answer.resolve()
  expect((await second).token).toBe('t')
})

const state: State = {
  at: 'onboarding',
  home: {
    tenant: 'plant',
    agentId: 'press',
    profile: 'SHARED_SECRET',
    baseUrl: 'https://hub.example',
    iatDigest: 'd',
  },
  iat: 'very secret',
  attempt: { idempotencyKey: 'k' },
  before: { at: 'unboarded' },
}

const vaultIn = (dir: string) => openVault({ log: silent }, { dir })

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgeward-vault-'))
  return () => rm(root, { recursive: true })
})

test('what is saved is loaded again, and only the owner can read it', async () => {
  const dir = join(root, 'identity')
  const vault = await vaultIn(dir)
  expect(await vault.load()).toEqual({ at: 'unboarded' })
  await vault.save(state)
  expect(await (await vaultIn(dir)).load()).toEqual(state)
  expect((await stat(dir)).mode & 0o777).toBe(0o700)
  for (const name of await readdir(dir)) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600)
  await vault.save({ at: 'unboarded' })
  expect(await readdir(dir)).toEqual([])
})

const copies = ['identity.1.json', 'identity.2.json']

test('an identity of which both copies are cut off anywhere is damaged, never taken for none', async () => {
  await (await vaultIn(root)).save(state)
  const paths = copies.map((name) => join(root, name))
  const { length: whole } = await readFile(paths[0] as string)
  for (let length = whole - 1; length >= 0; length -= 7) {
    for (const path of paths) await truncate(path, length)
    const error = await (await vaultIn(root)).load().catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(IdentityUnreadable)
    expect((error as Error).message).not.toContain('very')
  }
})

test.for(copies)('with %s gone the other copy serves, and two are there again', async (name) => {
  await (await vaultIn(root)).save(state)
  await rm(join(root, name))
  expect(await (await vaultIn(root)).load()).toEqual(state)
  expect(await readdir(root)).toEqual(copies)
})

test('the newer copy counts when a power cut came between the two', async () => {
  const vault = await vaultIn(root)
  await vault.save(state)
  const former = await readFile(join(root, 'identity.1.json'))
  await vault.save({ ...state, iat: 'newer' })
  await writeFile(join(root, 'identity.1.json'), former)
  const again = await vaultIn(root)
  expect(await again.load()).toMatchObject({ iat: 'newer' })
  await again.save({ ...state, iat: 'newest' })
  expect(await (await vaultIn(root)).load()).toMatchObject({ iat: 'newest' })
})

test('the one file of the first release is taken over', async () => {
  const former = join(root, 'identity.json')
  await writeFile(former, JSON.stringify({ version: 1, state }))
  expect(await (await vaultIn(root)).load()).toEqual(state)
  expect(await readdir(root)).toEqual(copies)
  expect(await (await vaultIn(root)).load()).toEqual(state)
})

test('an identity of a newer release is not touched', async () => {
  const vault = await vaultIn(root)
  await vault.save(state)
  const content = `${JSON.stringify({ version: 3, generation: 9, state })}\n`
  const newer = `{"sha256":"${createHash('sha256').update(content).digest('hex')}"}\n${content}`
  await writeFile(join(root, 'identity.2.json'), newer)
  const before = await readFile(join(root, 'identity.1.json'), 'utf8')
  await expect((await vaultIn(root)).load()).rejects.toThrow(IdentityUnreadable)
  expect(await readFile(join(root, 'identity.1.json'), 'utf8')).toBe(before)
})

test('a state that cannot be written is a failure that passes, and the one before stays', async () => {
  const vault = await vaultIn(root)
  await vault.save(state)
  for (const name of copies) await mkdir(join(root, `${name}.new`, 'in the way'), { recursive: true })
  await expect(vault.save({ ...state, iat: 'other' })).rejects.toMatchObject({
    code: 'identity_not_saved',
    retryable: true,
  })
  expect(await vault.load()).toEqual(state)
})
