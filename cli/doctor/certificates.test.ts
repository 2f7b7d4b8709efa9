import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCerts } from '../../certs/index.ts'
import { systemClock } from '../../core/clock.ts'
import { createLog } from '../../core/log.ts'
import { systemRandom } from '../../core/random.ts'
import { describePki } from './certificates.ts'
import { type Pki, readPki } from './pki.ts'

const madeAt = Date.UTC(2026, 5, 1)
const dayMs = 86_400_000
let dir: string
let pki: Pki

async function issue(name: string): Promise<Pki> {
  const deps = {
    clock: { ...systemClock, now: () => madeAt },
    random: systemRandom,
    log: createLog('silent'),
  }
  const network = () => ({ hostName: 'press-1', addresses: ['192.0.2.9'] })
  await openCerts({ ...deps, network }, { dir: join(dir, name, 'pki'), names: [], deviceName: 'press-1' })
  return readPki(join(dir, name))
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgeward-pki-'))
  pki = await issue('box')
})
afterAll(() => rm(dir, { recursive: true }))

const ours = { isOwn: false, isCaElsewhere: false }
const found = (changed: Partial<Pki>, names: string[], now: number) =>
  describePki({ ...pki, ...changed }, names, now, ours)

test('a certificate that is good for every name of the box is well', () => {
  expect(found({}, ['press-1', '192.0.2.9', 'localhost'], madeAt)).toMatchObject({ status: 'ok' })
})

test('each end of its life is told', () => {
  const ends = Date.parse(pki.server?.validTo ?? '')
  expect(found({}, [], madeAt - 10 * dayMs)).toMatchObject({
    status: 'failed',
    cause: expect.stringContaining('not valid before'),
  })
  expect(found({}, [], ends - 3 * dayMs)).toMatchObject({ status: 'warning' })
  expect(found({}, [], ends)).toMatchObject({ status: 'failed', cause: expect.stringContaining('expired') })
})

test('names that it does not cover are named', () => {
  expect(found({}, ['press-1', '198.51.100.4'], madeAt)).toMatchObject({
    status: 'warning',
    cause: expect.stringMatching(/not good for 198\.51\.100\.4:/),
  })
})

test('a key or an authority of somebody else is told from its own', async () => {
  const other = await issue('other')
  expect(found({ key: other.key as NonNullable<Pki['key']> }, [], madeAt)).toMatchObject({
    status: 'failed',
    cause: expect.stringContaining('is not the key of'),
  })
  expect(found({ ca: other.ca as NonNullable<Pki['ca']> }, [], madeAt)).toMatchObject({
    status: 'failed',
    cause: expect.stringContaining('has not signed it'),
  })
})

test('a box whose device CA is in a token may have none yet; another may not', () => {
  const { ca: _ca, ...without } = pki
  expect(describePki(without, [], madeAt, { ...ours, isCaElsewhere: true })).toMatchObject({ status: 'ok' })
  expect(describePki(without, [], madeAt, ours)).toMatchObject({ status: 'failed' })
})

test('a certificate that somebody else has signed is for him to renew', () => {
  const ends = Date.parse(pki.server?.validTo ?? '')
  expect(describePki(pki, [], ends, { ...ours, isOwn: true })).toMatchObject({
    status: 'failed',
    cure: expect.stringContaining('certs.server_cert'),
  })
})

test('what is damaged and what is missing are told apart', async () => {
  const box = join(dir, 'box', 'pki')
  const whole = await readFile(join(box, 'server.crt'), 'utf8')
  await writeFile(join(box, 'server.crt'), whole.slice(0, 200))
  expect((await readPki(join(dir, 'box'))).faults).toEqual([`${join(box, 'server.crt')} is damaged`])
  await rm(join(box, 'server.crt'))
  expect((await readPki(join(dir, 'box'))).faults).toEqual([`${join(box, 'server.crt')} is missing`])
})
