import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openCerts } from '../../certs/index.ts'
import { CertificateRefused } from '../../core/net/certificate.ts'
import { type HttpRequest, Unreachable } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { createGuard } from './guard.ts'
import { correctingDates } from './http.ts'

const log = pino({ level: 'silent' })
const now = Date.UTC(2026, 11, 24)
const request: HttpRequest = {
  method: 'POST',
  url: 'https://hub.example/api/token',
  body: 'secret',
  ca: 'PEM',
}

let dir: string
let certificate: X509Certificate
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgeward-dates-'))
  const deps = { clock: manualClock(now), random: systemRandom, log }
  const certs = await openCerts(deps, { dir, names: ['hub.example'], deviceName: 'hub' })
  certificate = new X509Certificate(certs.server.cert)
})
afterAll(() => rm(dir, { recursive: true }))

/** A far side that refuses certificates as a test says, and tells the time when asked. */
function farSide() {
  const clock = manualClock(0)
  const time = createGuard({ clock, log }, { floor: Date.UTC(2026, 0, 1) })
  const told = { asked: [] as unknown[], time: now, silent: false }
  let refuse = (): Error | undefined =>
    time.correctedNow() === undefined ? refused('not-yet-valid') : undefined
  const network = {
    async http() {
      const error = refuse()
      if (error) throw error
      return { status: 200, headers: {}, body: Buffer.from('') }
    },
    async readServerTime(...asked: unknown[]) {
      told.asked.push(asked)
      if (told.silent) throw new Unreachable('hub', 'connect', 'refused')
      return told.time
    },
  }
  return {
    ...{ clock, time, told },
    http: correctingDates({ network, time, clock, log }),
    setRefusal: (next: typeof refuse) => {
      refuse = next
    },
  }
}

function refused(fault: 'expired' | 'not-yet-valid' | 'untrusted'): Unreachable {
  return new Unreachable('hub', 'tls', fault, { cause: new CertificateRefused(fault, certificate, fault) })
}

let far: ReturnType<typeof farSide>
beforeEach(() => {
  far = farSide()
})

test('a request that fails by the dates of a certificate is made again at the time of the server', async () => {
  expect(await far.http(request)).toMatchObject({ status: 200 })
  expect(far.told.asked).toEqual([['https://hub.example', 'PEM']])
  expect(Math.abs(far.time.now() - now)).toBeLessThan(1_000)
})

test('a certificate that has truly expired is refused, and the server asked for its time only now and then', async () => {
  far.setRefusal(() => refused('expired'))
  for (let turn = 0; turn < 3; turn++)
    await expect(far.http(request)).rejects.toMatchObject({ message: expect.stringContaining('expired') })
  expect(far.told.asked).toHaveLength(1)
  await far.clock.advance(120_000)
  await expect(far.http(request)).rejects.toBeInstanceOf(Unreachable)
  expect(far.told.asked).toHaveLength(2)
})

test('for any other fault of a certificate nobody is asked for the time', async () => {
  far.setRefusal(() => refused('untrusted'))
  await expect(far.http(request)).rejects.toMatchObject({ message: expect.stringContaining('untrusted') })
  expect(far.told.asked).toEqual([])
})

test('a time from before this release is not believed, and the first error is told', async () => {
  far.told.time = Date.UTC(2020, 0, 1)
  await expect(far.http(request)).rejects.toMatchObject({ message: expect.stringContaining('not-yet-valid') })
  expect(far.time.status().state).toBe('untrusted')
  far = farSide()
  far.told.silent = true
  await expect(far.http(request)).rejects.toMatchObject({ message: expect.stringContaining('not-yet-valid') })
})
