import type { X509Certificate } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { EdgeError } from '../core/errors.ts'
import { ensurePrivateDir } from '../core/files.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import { backoffMs } from '../core/retry.ts'
import { followNames } from './addresses.ts'
import { type Ca, daysLeft, isOfFuture, keepCa, renewBeforeDays } from './ca.ts'
import { matches, type Pair, readCa, readPair, type StoredPair, writePair } from './files.ts'
import { isOf, issueInterim, issueLeaf, whyReplace } from './leaf.ts'
import { certifiedNames } from './names.ts'
import type { OwnRead } from './own.ts'
import type { SigningKey } from './signing.ts'
import { isInterim } from './signing.ts'

/** Who has signed what the box shows: its device CA, somebody else, or, until that can be reached, itself. */
export type Origin = 'device-ca' | 'own' | 'interim'

/** What is in use now. */
export interface InUse {
  ca: X509Certificate | undefined
  server: Pair
  origin: Origin
  names: readonly string[]
  warnings: readonly string[]
  faults: readonly string[]
}

type Part = 'names' | 'own' | 'ca'

export interface Upkeep {
  inUse(): InUse
  /** Looks whether all is still as it should be, and mends it; what fails is in `faults`, and tried again. */
  look(): Promise<void>
  /** The same at once, from what is on disk. Rejects when the device CA cannot do its part. */
  mend(wish?: { newKey: boolean }): Promise<void>
}

export interface UpkeepDeps {
  clock: Clock
  random: Random
  log: Logger
  isTimeTrusted(): boolean
  openKey(): Promise<SigningKey>
  /** The names by which the box is called now. */
  names(): string[]
  /** The certificate of one's own, where one is configured. */
  readOwn?: ((names: readonly string[]) => Promise<OwnRead>) | undefined
}

export interface UpkeepConfig {
  dir: string
  deviceName: string
  /** The key of the device CA is somewhere else and may not be there: a start does not wait for it. */
  isKeyRemote: boolean
}

/** After the device CA could not do its part; doubled each time. */
const retry = { initialMs: 30_000, maxMs: 600_000 }

export async function openUpkeep(deps: UpkeepDeps, config: UpkeepConfig): Promise<Upkeep> {
  const { clock, random, log } = deps
  const { dir, deviceName } = config
  const found = deps.names()
  await ensurePrivateDir(dir)

  let stored: StoredPair = await readPair(dir)
  let caCertificate = await readCa(dir)
  /** Once it could be opened; its key stays known. */
  let ca: Ca | undefined
  let server: Pair | undefined = matches(stored) ? stored : undefined
  let origin = originOf(server, caCertificate, deps.readOwn !== undefined)
  let warnings: readonly string[] = []
  const faults = new Map<Part, string>()
  let tries = 0
  let retryAt = Number.NEGATIVE_INFINITY

  const certified = rememberedAddresses(server, caCertificate, clock)
  const followed = followNames({ found, certified }, clock.monotonic())
  let names = followed.look(found, clock.monotonic())

  async function serve(pair: Pair, from: Origin, why: string): Promise<void> {
    const isNew = stored.chain !== pair.chain || !stored.key?.equals(pair.key)
    if (isNew)
      await writePair(dir, stored, pair).catch(async (error) => {
        stored = await readPair(dir) // one of the two may be there: proxies must not find it for long
        throw error
      })
    stored = pair
    server = pair
    origin = from
    const { validTo: notAfter } = pair.certificate
    const fields = { origin, why, names: certifiedNames(pair.certificate), notAfter }
    if (isNew) log.info(fields, 'server certificate changed')
  }

  function note(part: Part, fault: string | undefined): void {
    if (faults.get(part) === fault) return
    if (fault === undefined) {
      faults.delete(part)
      log.info({ part }, 'certificates are kept again')
    } else {
      faults.set(part, fault)
      log.error({ part, reason: fault }, 'a certificate cannot be kept; what there is stays in use')
    }
  }

  function follow(): void {
    try {
      names = followed.look(deps.names(), clock.monotonic())
      note('names', undefined)
    } catch (error) {
      note('names', (error as Error).message)
    }
  }

  async function lookAtOwn(): Promise<void> {
    const own = await deps.readOwn?.(names)
    if (own === undefined) return
    if ('fault' in own) return note('own', own.fault)
    if (own.warnings.join() !== warnings.join())
      for (const reason of own.warnings)
        log.warn({ reason }, 'the certificate in certs.server_cert is doubtful')
    warnings = own.warnings
    await serve(own.pair, 'own', 'certs.server_cert')
    note('own', undefined)
  }

  async function keepOurs({ newKey }: { newKey: boolean }): Promise<void> {
    const authority = ca && isGood(ca, deps) ? ca : await keepCa(deps, dir, deviceName)
    ca = authority
    caCertificate = authority.certificate
    if (origin === 'own' && deps.readOwn) return
    const why = newKey ? 'asked for' : whyReplace(deps, stored, authority.certificate, names)
    if (why === undefined) {
      origin = 'device-ca'
      return
    }
    const isOurs = stored.certificate === undefined || isOf(stored.certificate, authority.certificate)
    const key = isOurs && !newKey ? stored.key : undefined
    warnings = []
    await serve(await issueLeaf(deps, { ca: authority, names, key }), 'device-ca', why)
  }

  async function ours(wish: { newKey: boolean }): Promise<void> {
    try {
      await keepOurs(wish)
      tries = 0
      note('ca', undefined)
    } catch (error) {
      retryAt = clock.monotonic() + backoffMs(tries++, retry, random)
      if (!(error instanceof EdgeError)) log.error({ err: error }, 'device CA failed')
      note('ca', (error as Error).message)
      throw error
    }
  }

  const own = () => lookAtOwn().catch((error: Error) => note('own', error.message)) // the disk has refused it

  await own()
  if (!config.isKeyRemote)
    await ours({ newKey: false }).catch((error) => {
      if (!server) throw error
    })
  if (!server) await serve(await issueInterim(deps, deviceName, names), 'interim', 'no device CA yet')

  return {
    inUse: () => ({
      ...{ ca: caCertificate, server: server as Pair, origin },
      ...{ names: certifiedNames((server as Pair).certificate), warnings, faults: [...faults.values()] },
    }),
    async look() {
      follow()
      await own()
      if (clock.monotonic() >= retryAt) await ours({ newKey: false }).catch(() => {}) // noted
    },
    async mend(wish = { newKey: false }) {
      ca = undefined
      follow()
      await own()
      await ours(wish)
    },
  }
}

const isGood = (ca: Ca, deps: UpkeepDeps): boolean =>
  daysLeft(ca.certificate, deps.clock) >= renewBeforeDays && !isOfFuture(ca.certificate, deps)

function originOf(server: Pair | undefined, ca: X509Certificate | undefined, mayBeOwn: boolean): Origin {
  if (server === undefined || isInterim(server.certificate)) return 'interim'
  return mayBeOwn && !(ca && isOf(server.certificate, ca)) ? 'own' : 'device-ca'
}

/** Addresses of a certificate that still is good; when a box starts, its network often comes later. */
function rememberedAddresses(
  server: Pair | undefined,
  ca: X509Certificate | undefined,
  clock: Clock,
): string[] {
  if (!server || !ca || !isOf(server.certificate, ca) || daysLeft(server.certificate, clock) <= 0) return []
  return certifiedNames(server.certificate).filter((name) => /^[\d.]+$|:/.test(name))
}
