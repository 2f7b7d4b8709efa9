import { connect } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isPatched } from '../../core/node-version.ts'
import { type Box, directLogin, openBox } from './boxed.ts'
import { addApp, formHeader, introspectPath, type OauthApp, revokePath, tokenPath } from './oauth-app.ts'

let box: Box
let app: OauthApp
let token: string
beforeAll(async () => {
  box = await openBox({ proxied: false })
  app = await addApp(box, 'asking')
  token = await box.token('ann')
})
afterAll(() => box[Symbol.asyncDispose]())

const encodings = ['br', 'gzip', 'deflate', 'x-gzip', 'zstd', 'BR', 'identity, br', 'gzip, gzip', 'unknown']
const json = { 'content-type': 'application/json' }

test.each<[string, Record<string, string>]>([
  [introspectPath, formHeader],
  [`${introspectPath}/`, formHeader],
  [tokenPath, formHeader],
  [revokePath, formHeader],
  ['/device/edge/auth/login', formHeader],
  ['/device/edge/auth/logout', formHeader],
  [directLogin, json],
  ['/api/v1/readings', json],
])('X17: %s refuses a compressed body unread', async (path, type) => {
  for (const encoding of encodings) {
    const headers = { ...type, authorization: app.authorization, 'content-encoding': encoding }
    // Not compressed at all: whoever decoded it would fail in another way.
    const answer = await box.ask(path, { method: 'POST', headers, body: `token=${token}` })
    expect(answer.status, encoding).toBe(415)
  }
})

test('X17: what would be a good question is none when it is compressed', async () => {
  const text = `token=${token}`
  for (const [encoding, body] of [
    ['br', brotliCompressSync(text)],
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
  ] as const) {
    const head = [
      `POST ${introspectPath} HTTP/1.1`,
      'host: box',
      `authorization: ${app.authorization}`,
      'content-type: application/x-www-form-urlencoded',
      `content-encoding: ${encoding}`,
      `content-length: ${body.length}`,
      'connection: close',
    ]
    const answer = await sendRaw(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]))
    expect(answer).toMatch(/^HTTP\/1\.1 415 /)
    expect(answer).not.toContain('active')
  }
  expect(await app.introspect(token)).toMatchObject({ active: true })
})

test('X17: a Node whose decoder is known to be broken is named at the start', async () => {
  const named = box.gateway.log().includes('"cve":"CVE-2026-111497"')
  expect(named).toBe(!isPatched(process.versions.node))
})

async function sendRaw(bytes: Buffer): Promise<string> {
  const { hostname, port } = new URL(box.gateway.addresses.auth)
  const socket = connect(Number(port), hostname)
  socket.end(bytes)
  return Buffer.concat(await socket.toArray()).toString()
}
