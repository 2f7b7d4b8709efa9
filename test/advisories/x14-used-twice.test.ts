import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loginPath, password } from '../edge-auth.ts'
import { eventually, type Gateway, startGateway, tempDir } from '../harness.ts'
import { tokenPath } from './oauth-app.ts'

/*
 * X14: what is good once is good once, also for many who come at the same moment, and not after a restart.
 * There are three such things: the code of the first administrator, the ticket for a new password, and the
 * assertion of an app.
 */

const held = new AsyncDisposableStack()
let stateDir: string
let gateway: Gateway
beforeAll(async () => {
  stateDir = held.use(await tempDir()).path
  gateway = await startGateway(stateDir)
  held.defer(() => gateway.stop())
})
afterAll(() => held.disposeAsync())

async function restart(meanwhile = async () => {}): Promise<void> {
  await gateway.stop()
  await meanwhile()
  gateway = await startGateway(stateDir)
}

const readCode = async () => (await readFile(join(stateDir, 'run/first-admin-code'), 'utf8')).trim()
const names = async () => (await gateway.operate<{ name: string }[]>('user.list')).map(({ name }) => name)
const newPasswordPath = `${loginPath}/new-password`

/** What a form gets, in a browser that has opened the page. */
async function submit(path: string, fields: Record<string, string>) {
  const page = await fetch(gateway.addresses.auth + loginPath)
  const form_token = /name="form_token" value="([^"]*)"/.exec(await page.text())?.[1] as string
  const answer = await fetch(gateway.addresses.auth + path, {
    method: 'POST',
    headers: { cookie: `edgeward_login=${form_token}` },
    body: new URLSearchParams({ form_token, ...fields }),
    redirect: 'manual',
  })
  const signedIn = answer.headers.getSetCookie().some((cookie) => /^access_token=[^;]/.test(cookie))
  return { status: answer.status, text: await answer.text(), signedIn }
}

const numbered = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n))
const winners = (answers: { signedIn: boolean }[]): number[] =>
  answers.flatMap(({ signedIn }, index) => (signedIn ? [index] : []))

test('X14: the code of the first administrator makes one, whoever comes at the same moment', async () => {
  const before = await readCode()
  await restart()
  const code = await readCode()
  expect(code).not.toBe(before)
  expect(await submit(loginPath, { code: before, username: 'late', password })).toMatchObject({
    ...{ status: 401, signedIn: false },
  })
  expect(await names()).toEqual([])

  const answers = await Promise.all(
    numbered(8, (index) => submit(loginPath, { code, username: `root-${index}`, password })),
  )
  const won = winners(answers)
  expect(won).toHaveLength(1)
  expect(await names()).toEqual([`root-${won[0]}`])
  expect(await submit(loginPath, { code, username: 'second', password })).toMatchObject({ signedIn: false })
  expect(await names()).toHaveLength(1)
})

const ticketOf = async (username: string) => {
  const { text } = await submit(loginPath, { username, password })
  return /name="ticket" value="([^"]*)"/.exec(text)?.[1] as string
}
const choose = (ticket: string, chosen: string) =>
  submit(newPasswordPath, { ticket, password: chosen, repeated: chosen })
const addExpired = (name: string) =>
  gateway.operate('user.add', { name, roles: ['Viewer'], password, mustChange: true })

test('X14: of all who come with one ticket, one chooses the password; nobody after him', async () => {
  await addExpired('eve')
  const ticket = await ticketOf('eve')
  const chosen = numbered(8, (index) => `her choice ${index}`)
  const answers = await Promise.all(chosen.map((text) => choose(ticket, text)))
  const [won, ...more] = winners(answers)
  expect([won !== undefined, more]).toEqual([true, []])
  for (const { status, signedIn } of answers) if (!signedIn) expect([403, 409]).toContain(status)
  expect(await choose(ticket, 'yet another one')).toMatchObject({ status: 403, signedIn: false })
  expect(
    await submit(loginPath, { username: 'eve', password: chosen[won as number] as string }),
  ).toMatchObject({
    ...{ status: 303, signedIn: true },
  })
  for (const lost of [chosen[(won as number) === 0 ? 1 : 0] as string, 'yet another one'])
    expect(await submit(loginPath, { username: 'eve', password: lost })).toMatchObject({ status: 401 })
})

test('X14: the older of two tickets is void once the other was used', async () => {
  await addExpired('two')
  const [first, second] = [await ticketOf('two'), await ticketOf('two')]
  expect(first).not.toBe(second)
  expect(await choose(second, 'chosen by the second')).toMatchObject({ status: 303, signedIn: true })
  expect(await choose(first, 'chosen by the first')).toMatchObject({ status: 403, signedIn: false })
})

test('X14: an assertion opens once, and what was used or given before a restart opens nothing', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  await gateway.operate('app.add', { name: 'keyed', version: '1', jwks: await exportJWK(publicKey) })
  const assertion = () => {
    const iat = Math.floor(Date.now() / 1000)
    const identity = { iss: 'keyed', sub: 'keyed', aud: 'urn:industrial.edge.device', jti: randomUUID() }
    const claims = { ...identity, iat, exp: iat + 300 }
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
  }
  const present = async (client_assertion: string) => {
    const fields = {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion,
    }
    const body = new URLSearchParams(fields)
    return (await fetch(gateway.addresses.auth + tokenPath, { method: 'POST', body })).status
  }
  const once = await assertion()
  const statuses = await Promise.all(numbered(16, () => present(once)))
  expect(statuses.sort()).toEqual([200, ...numbered(15, () => 401)])

  await addExpired('old')
  const ticket = await ticketOf('old')
  // An assertion tells whole seconds: in an earlier one than the start it is known to be older.
  const madeAt = Math.floor(Date.now() / 1000)
  await restart(() => eventually('the next second', async () => Math.floor(Date.now() / 1000) > madeAt))
  expect(await present(once)).toBe(401)
  expect(await present(await assertion())).toBe(200)
  expect(await choose(ticket, 'chosen too late')).toMatchObject({ status: 403, signedIn: false })
  expect(await choose(await ticketOf('old'), 'chosen in time')).toMatchObject({ status: 303 })
})
