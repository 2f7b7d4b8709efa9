import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../core/clock.ts'
import { Invalid } from '../../core/errors.ts'
import { writeFileAtomic } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { type RetryPolicy, retrying } from '../../core/retry.ts'
import {
  type DataSourceConfiguration,
  parseDataSourceConfiguration,
} from '../../protocol/data-source-configuration.ts'
import { DefinitionsInvalid } from '../sources/index.ts'
import type { Adoption, Note } from './adoption.ts'
import type { Candidate } from './candidate.ts'
import { versionOf } from './candidate.ts'
import type { LocalFiles } from './local-files.ts'
import { type Content, digestOf, type Version, type VersionFault, type Versions } from './versions.ts'

/** Takes what comes from the hub and from the local files, one after the other. */
export interface Consideration {
  hub(document: unknown): void
  local(files: LocalFiles): void
  /** Puts a version in force that was so before; tries any other. */
  revertTo(version: Version, content: Content): Promise<void>
  /** Of the newest from the hub and of the local files, as long as they are not mended. */
  faults(): { hub: readonly string[]; local: readonly string[] }
  localPaths(): readonly string[]
  /** Something came that has not been decided on. */
  isBusy(): boolean
  /** How often the box became another agent. */
  setsAside(): number
  setAside(path: string): Promise<void>
  run(signal: AbortSignal): Promise<void>
}

export interface ConsiderationDeps {
  versions: Versions
  adoption: Adoption
  onChange(): void
  note: Note
  clock: Clock
  random: Random
  log: Logger
}

export function createConsideration(
  { versions, adoption, onChange, note, clock, random, log }: ConsiderationDeps,
  { retry }: { retry: RetryPolicy },
): Consideration {
  /** The newest of each origin that has not been looked at. */
  const waiting: { hub?: { document: unknown }; local?: LocalFiles } = {}
  const faults: { hub: readonly string[]; local: readonly string[] } = { hub: [], local: [] }
  let paths: readonly string[] = []
  let setsAside = 0
  let news = Promise.withResolvers<void>()
  let work: Promise<unknown> = Promise.resolve()
  let running: AbortSignal | undefined

  function isNews(origin: 'hub' | 'local', digest: string): boolean {
    const { seen, trial } = versions.current()
    return digest !== seen[origin] && digest !== trial?.seen[origin]
  }

  /** One change at a time. */
  function serially<T>(task: () => Promise<T>): Promise<T> {
    const done = work.then(task)
    work = done.catch(() => {})
    return done
  }

  async function refuse(candidate: Candidate, error: Invalid): Promise<void> {
    const placed =
      error instanceof DefinitionsInvalid
        ? [...error.faults.local.map((fault) => candidate.placed?.(fault) ?? fault), ...error.faults.hub]
        : error.details.length > 0
          ? error.details
          : [error.message]
    const origin = candidate.origin === 'local' ? 'local' : 'hub'
    const isNews = !isDeepStrictEqual(placed, faults[origin])
    faults[origin] = placed
    log.error({ origin, faults: placed }, 'data source configuration refused; the one before stays in force')
    await noteRefusal(
      candidate,
      placed.map((fault) => ({ fault })),
    )
    if (isNews) note('configuration_refused', `data source configuration (${origin}): ${placed.join('; ')}`)
    onChange()
  }

  /** In the history, once. */
  async function noteRefusal(candidate: Candidate, found: VersionFault[]): Promise<void> {
    const kept = versions.current()
    const base = versionOf(candidate, kept.next, clock.now())
    const last = kept.versions.at(-1)
    const again = last?.state === 'refused' && last.origin === base.origin && last.eTag === base.eTag
    const version: Version = {
      ...{ ...base, state: 'refused', faults: found.slice(0, maxNoted) },
      ...(again ? { number: last.number } : {}),
    }
    const others = again ? kept.versions.slice(0, -1) : kept.versions
    const next = Math.max(kept.next, version.number + 1)
    await versions.save({ ...kept, next, versions: [...others, version] })
  }

  async function adopt(candidate: Candidate, signal: AbortSignal): Promise<void> {
    try {
      await adoption.adopt(candidate, signal)
      if (candidate.origin !== 'revert') faults[candidate.origin] = []
    } catch (error) {
      if (!(error instanceof DefinitionsInvalid) || candidate.origin === 'revert') throw error
      await refuse(candidate, error)
    }
  }

  async function considerHub(document: unknown, signal: AbortSignal): Promise<void> {
    const digest = digestOf(document)
    if (digest === versions.current().seen.hub) {
      faults.hub = []
      return
    }
    const { local } = adoption.content()
    const candidate = { origin: 'hub', seen: { hub: digest }, content: { local } } as const
    try {
      const hub = parseDataSourceConfiguration(document, 'data source configuration')
      if (isNone(hub) && !adoption.content().hub) return
      await adopt({ ...candidate, content: { hub, local } }, signal)
    } catch (error) {
      if (!(error instanceof Invalid)) throw error
      await refuse(candidate, error)
    }
  }

  async function considerLocal(files: LocalFiles, signal: AbortSignal): Promise<void> {
    paths = files.paths
    const { hub, local } = adoption.content()
    const content: Content = { ...(hub ? { hub } : {}), local: [...files.dataSources] }
    const candidate: Candidate = {
      ...{ origin: 'local', content, placed: files.placed },
      seen: { local: files.digest },
    }
    if (files.faults.length > 0)
      return refuse(candidate, new Invalid('local files', { details: files.faults }))
    if (files.digest === versions.current().seen.local || (paths.length === 0 && local.length === 0)) {
      faults.local = []
      return
    }
    await adopt(candidate, signal)
  }

  async function considerAll(signal: AbortSignal): Promise<void> {
    const { hub, local } = waiting
    if (local) await considerLocal(local, signal)
    if (waiting.local === local) delete waiting.local
    if (hub) await considerHub(hub.document, signal)
    if (waiting.hub === hub) delete waiting.hub
  }

  /** A stop of the box in the middle of a trial: it is begun once more, and not a third time. */
  async function resumeTrial(signal: AbortSignal): Promise<void> {
    const kept = versions.current()
    if (!kept.trial) return
    const { number, attempts, seen } = kept.trial
    const version = kept.versions.find((each) => each.number === number)
    const content = await versions.content(number)
    if (version && content && attempts < 2)
      return adopt({ origin: version.origin, content, seen, resumed: version }, signal)
    const reason = 'the box was stopped twice while it was on trial; the one before goes on'
    const decided = kept.versions.map((each) =>
      each === version ? { ...version, state: 'reverted' as const, reason } : each,
    )
    const { trial: _over, ...rest } = kept
    await versions.save({ ...rest, seen: { ...kept.seen, ...seen }, versions: decided })
    onChange()
  }

  const again = (task: (signal: AbortSignal) => Promise<void>, signal: AbortSignal) =>
    retrying(
      () => serially(() => task(signal)),
      retry,
      { clock, random },
      signal,
      (error, delayMs) =>
        log.error({ err: error, delayMs }, 'data source configuration not kept; trying again'),
    )

  return {
    hub(document) {
      waiting.hub = { document }
      if (isNews('hub', digestOf(document))) adoption.cut('a newer one came from the hub', 'hub')
      news.resolve()
    },
    local(files) {
      waiting.local = files
      if (isNews('local', files.digest)) adoption.cut('the local files changed', 'local')
      news.resolve()
    },
    async revertTo({ number, wasActive }, content) {
      adoption.cut(`somebody went back to version ${number}`)
      const atOnce = wasActive === true || running === undefined
      const reason = `back to version ${number}`
      const signal = running ?? new AbortController().signal
      await serially(() => adopt({ origin: 'revert', content, seen: {}, atOnce, reason }, signal))
    },
    faults: () => faults,
    localPaths: () => paths,
    isBusy: () => waiting.hub !== undefined || waiting.local !== undefined,
    setsAside: () => setsAside,
    async setAside(path) {
      setsAside++
      adoption.cut('the box became another agent')
      delete waiting.hub
      await serially(async () => {
        const { hub } = adoption.content()
        adoption.forget()
        faults.hub = []
        if (hub) await writeFileAtomic(path, JSON.stringify(hub))
        await versions.clear()
      })
    },
    async run(signal) {
      running = signal
      signal.addEventListener('abort', () => news.resolve(), { once: true })
      const unlessAborted = (error: unknown) => {
        if (!signal.aborted) throw error
      }
      await again(resumeTrial, signal).catch(unlessAborted)
      while (!signal.aborted) {
        await again(considerAll, signal).catch(unlessAborted)
        if (waiting.hub || waiting.local) continue
        await news.promise
        news = Promise.withResolvers()
      }
      running = undefined
    },
  }
}

/** What the hub answers before anybody has configured the agent. */
const isNone = ({ configurationId, dataSources }: DataSourceConfiguration): boolean =>
  configurationId === undefined && dataSources.length === 0

/** What is wrong with thousands of points is wrong with the first ones. */
const maxNoted = 50
