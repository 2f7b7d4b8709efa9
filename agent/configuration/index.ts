import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { Operations } from '../../core/control.ts'
import type { EdgeError } from '../../core/errors.ts'
import { ensurePrivateDir } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import type { Http } from '../../core/net/index.ts'
import type { Random } from '../../core/random.ts'
import { type RetryPolicy, retrying } from '../../core/retry.ts'
import { runTasks } from '../../core/tasks.ts'
import type { AgentReport } from '../../protocol/agent-report.ts'
import type { Identity } from '../identity.ts'
import type { Sources } from '../sources/index.ts'
import { createAdoption, type Note } from './adoption.ts'
import { createConsideration } from './consideration.ts'
import { fetchConfiguration } from './fetch.ts'
import { watchLocal } from './local-watch.ts'
import { configurationOperations } from './operations.ts'
import { restore } from './restore.ts'
import { type ConfigurationStatus, reportOf, statusOf } from './status.ts'
import { type Content, openVersions } from './versions.ts'

export type { History, RunningTrial } from './operations.ts'
export type { ConfigurationStatus } from './status.ts'
export type { Version } from './versions.ts'

/** What is measured: by the hub and by local files; checked, tried, applied and kept for a start without network. */
export interface Configuration {
  /** `config.history`, `config.revert`, `config.trial`. */
  readonly operations: Operations
  /** The hub may have another one: it announced this eTag, or was reached again. */
  announced(eTag: string | undefined): void
  /** Fetches what the hub has, and resolves when it was decided on. Every rejection is retryable. */
  fetchNow(signal: AbortSignal): Promise<void>
  /** What is to be measured. */
  inForce(): Content
  /** Looks at the local files now. */
  reload(): void
  status(): ConfigurationStatus
  /** For the hub. */
  report(): NonNullable<AgentReport['configuration']>
  /** `report` says something else than before. The result ends it. */
  onChange(listener: () => void): () => void
  /** Ends it: nothing is measured by it any more, and what the hub said lies at `path`. May be repeated. */
  setAside(path: string): Promise<void>
  /** Fetches at start and after each announcement, looks at the local files, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface ConfigurationDeps {
  identity: Pick<Identity, 'onboarded' | 'accessToken' | 'forget' | 'onChange'>
  sources: Pick<Sources, 'apply' | 'check' | 'try'>
  /** Whether the hub is connected. */
  isLinked(): boolean
  /** For the list of what has happened on the box. */
  note: Note
  http: Http
  clock: Clock
  random: Random
  log: Logger
}

export interface ConfigurationConfig {
  dir: string
  /** Towards the hub, and towards a disk that is full. */
  retry: RetryPolicy
  /** Folder of the local files. */
  localDir: string
  /** How long a trial may take; 0: no trial. */
  confirmTimeoutMs: number
}

/** A trial takes seconds. */
const lookMs = 100

/** Puts the kept configuration in force. One that cannot be is reported and replaced by the next fetch. */
export async function openConfiguration(
  deps: ConfigurationDeps,
  { dir, retry, localDir, confirmTimeoutMs }: ConfigurationConfig,
): Promise<Configuration> {
  const { identity, clock, random } = deps
  const log = deps.log.child({ part: 'configuration' })
  await ensurePrivateDir(dir)
  const versions = await openVersions({ log }, { dir })
  const listeners = new Set<() => void>()
  const onChange = () => {
    for (const listener of listeners) listener()
  }
  const shared = { ...deps, versions, log, onChange }
  const adoption = createAdoption(shared, { confirmTimeoutMs })
  await restore({ versions, adoption, clock }, join(dir, 'dsc.json'))
  const consideration = createConsideration({ ...shared, adoption }, { retry })
  const local = watchLocal({ clock, onFiles: consideration.local }, { dir: localDir })
  let reason: string | undefined
  let news = Promise.withResolvers<void>()

  async function refresh(signal: AbortSignal): Promise<void> {
    const asked = consideration.setsAside()
    const document = await fetchConfiguration(deps, signal)
    if (asked !== consideration.setsAside()) return // it is the former agent's
    reason = undefined
    consideration.hub(document)
  }

  const failed = (error: EdgeError, delayMs: number) => {
    reason = error.message
    log.warn({ code: error.code, reason, delayMs }, 'data source configuration not fetched; trying again')
  }

  async function fetching(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => news.resolve(), { once: true })
    while (!signal.aborted) {
      news = Promise.withResolvers()
      await retrying(() => refresh(signal), retry, { clock, random }, signal, failed).catch((error) => {
        if (!signal.aborted) throw error
      })
      await news.promise
    }
  }

  identity.onChange(() => {
    news.resolve()
    local.again()
  })

  const parts = { versions, adoption, consideration }
  return {
    operations: configurationOperations(parts),
    announced(eTag) {
      if (eTag === undefined || eTag !== adoption.content().hub?.eTag) news.resolve()
    },
    async fetchNow(signal) {
      await refresh(signal)
      while (consideration.isBusy()) await clock.sleep(lookMs, signal)
    },
    inForce: adoption.content,
    reload: local.again,
    status: () => statusOf(parts, reason),
    report: () => reportOf(parts),
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    setAside: (path) => consideration.setAside(path),
    run: (signal) => runTasks(signal, fetching, local.run, consideration.run),
  }
}
