import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { EdgeError, Invalid } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { parseJson } from '../../core/schema.ts'
import { aborted } from '../../core/tasks.ts'
import { NothingOffered, OfferChanged } from '../errors.ts'
import { checkBoarding } from './boarding.ts'
import { readBoardingFile } from './boarding-file.ts'

/** A boarding file that waits for a person to confirm it. */
export interface Offer {
  path: string
  tenant: string
  agentId: string
  hub: string
}

/**
 * Boarding files on USB sticks. They belong to nobody in particular, so that none is taken before a
 * person at the box has confirmed it.
 */
export interface Stick {
  /** Undefined also as soon as the box is no longer unboarded. */
  offer(): Offer | undefined
  /** Onboards with the document that was offered. Throws `NothingOffered`, `OfferChanged`, and as onboarding does. */
  confirm(): Promise<unknown>
  /** Looks for files while the box is unboarded; until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface StickDeps {
  isUnboarded(): boolean
  onboard(boarding: unknown): Promise<unknown>
  clock: Clock
  log: Logger
}

export interface StickConfig {
  /** Sticks are mounted one or two levels below; undefined where none are looked for. */
  dir: string | undefined
}

interface Offered {
  offer: Offer
  /** As it was when offered. */
  text: string
  document: unknown
}

const fileName = 'edgeward-boarding.json'
const pollIntervalMs = 5_000

export function createStick({ isUnboarded, onboard, clock, log }: StickDeps, { dir }: StickConfig): Stick {
  let offered: Offered | undefined
  /** Why files are not offered, by path; each is told once. */
  let reasons = new Map<string, string>()

  async function look(root: string): Promise<void> {
    // A changed file is not offered in place of the one that a person has seen.
    if (offered && (await isReadable(offered.offer.path))) return
    offered = undefined
    const before = reasons
    reasons = new Map()
    for (const path of await candidates(root)) {
      try {
        offered = await read(path, clock.now())
        log.info(offered.offer, 'boarding file offered')
        return
      } catch (error) {
        if (!(error instanceof EdgeError)) throw error
        reasons.set(path, error.message)
        if (before.get(path) !== error.message)
          log.warn({ path, reason: error.message }, 'boarding file not offered')
      }
    }
  }

  const current = () => (isUnboarded() ? offered : undefined)
  return {
    offer: () => current()?.offer,
    async confirm() {
      const confirmed = current()
      if (!confirmed) throw new NothingOffered()
      const { offer, text, document } = confirmed
      if ((await readBoardingFile(offer.path).catch(() => undefined)) !== text) {
        if (offered === confirmed) offered = undefined
        throw new OfferChanged(offer.path)
      }
      return onboard(document)
    },
    async run(signal) {
      if (dir === undefined) return aborted(signal)
      while (!signal.aborted) {
        if (isUnboarded()) await look(dir)
        else offered = undefined
        await clock.sleep(pollIntervalMs, signal).catch(() => {}) // aborted: the loop ends
      }
    },
  }
}

async function read(path: string, now: number): Promise<Offered> {
  const text = await readBoardingFile(path)
  const document = parseJson(text, path)
  const { tenant, agentId, baseUrl: hub } = checkBoarding(document, now).home
  const offer = { path, tenant, agentId, hub }
  // A person decides by what is shown; control characters could make a terminal show something else.
  if (/\p{C}/u.test(Object.values(offer).join(''))) throw new Invalid(`${path} holds unprintable characters`)
  return { offer, text, document }
}

const isReadable = (path: string): Promise<boolean> =>
  readBoardingFile(path).then(
    () => true,
    () => false,
  )

/** `/media/STICK` or `/run/media/USER/STICK`, in the order of their names. */
async function candidates(root: string): Promise<string[]> {
  const upper = await foldersIn(root)
  const lower = await Promise.all(upper.map(foldersIn))
  const found = await Promise.all([...upper, ...lower.flat()].map(boardingFileIn))
  return found.flat()
}

const foldersIn = async (dir: string): Promise<string[]> =>
  (await entriesOf(dir))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(dir, name))
    .sort()

const boardingFileIn = async (dir: string): Promise<string[]> =>
  (await entriesOf(dir)).filter(({ name }) => name === fileName).map(({ name }) => join(dir, name))

/** None where nothing is mounted, or what is mounted is not ours to read. */
const entriesOf = (dir: string) => readdir(dir, { withFileTypes: true }).catch(() => [])
