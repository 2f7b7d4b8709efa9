import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loginPath, password } from '../edge-auth.ts'
import { eventually, type Gateway, startGateway, tempDir } from '../harness.ts'
import { codeAt, createVisitor, recoveryCodes, scan } from '../second-factor.ts'
import { tokenPath } from './oauth-app.ts'

/*
 * X14: what is good once is good once, also for many who come at the same moment, and not after a restart.
 * There are four such things: the code of the first administrator, the ticket for a new password, the
 * assertion of an app, and the codes of a second factor.
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

async function restart(signal?: 'SIGKILL'): Promise<void> {
  await gateway.stop(signal)
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
  const seconds = () => Math.floor(Date.now() / 1000)
  const assertion = (iat = seconds()) => {
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
  const begun = seconds()
  await eventually('the next second', async () => seconds() > begun)
  const once = await assertion()
  const statuses = await Promise.all(numbered(16, () => present(once)))
  expect(statuses.sort()).toEqual([200, ...numbered(15, () => 401)])

  await addExpired('old')
  const ticket = await ticketOf('old')
  // Of an app whose clock is ahead: also made later than the start, as far as it says.
  const [ahead, last] = [await assertion(seconds() + 20), await assertion()]
  for (const used of [ahead, last]) expect(await present(used)).toBe(200)
  await restart('SIGKILL')
  const started = seconds()
  for (const used of [once, ahead, last]) expect(await present(used)).toBe(401)
  // An assertion tells whole seconds: in that of the start it may be older, and used.
  await eventually('the next second', async () => seconds() > started)
  for (const used of [once, ahead, last]) expect(await present(used)).toBe(401)
  expect(await present(await assertion())).toBe(200)
  expect(await choose(ticket, 'chosen too late')).toMatchObject({ status: 403, signedIn: false })
  expect(await choose(await ticketOf('old'), 'chosen in time')).toMatchObject({ status: 303 })
})

const visitor = () =>
  createVisitor(async (path, question) => {
    const answer = await fetch(gateway.addresses.auth + path, { ...question, redirect: 'manual' })
    const location = answer.headers.get('location') ?? undefined
    const { status, headers } = answer
    return { status, text: await answer.text(), headers: { location }, setCookies: headers.getSetCookie() }
  })

test('X14: a code of a second factor signs in once, whoever comes at the same moment or after a power cut', async () => {
  await gateway.operate('option.set', { category: 'two-factor', key: 'strategy', value: 'totp' })
  await gateway.operate('user.add', { name: 'tess', roles: ['Operator'], password, totpRequired: true })
  const person = visitor()
  await person.open()
  const secret = scan((await person.submit({ username: 'tess', password })).text)
  const begun = Date.now()
  const [first, second] = [codeAt(secret, begun), codeAt(secret, begun + 30_000)]
  const [recovery] = recoveryCodes((await person.submit({ code: first }, '/second-factor')).text)

  /** Each with the page of the code form open, and then all at once. */
  const race = async (count: number, code: string) => {
    const people = numbered(count, visitor)
    for (const one of people) {
      await one.open()
      await one.submit({ username: 'tess', password })
    }
    const answers = await Promise.all(people.map((one) => one.submit({ code }, '/code')))
    return answers.filter(({ session }) => session !== undefined).length
  }
  expect(await race(2, second)).toBe(1)
  await restart('SIGKILL')
  expect(await race(1, first)).toBe(0)
  expect(await race(1, second)).toBe(0)
  expect(await race(2, recovery as string)).toBe(1)
  await restart('SIGKILL')
  expect(await race(1, recovery as string)).toBe(0)
})
