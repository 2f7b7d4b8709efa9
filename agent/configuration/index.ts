import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../core/clock.ts'
import { EdgeError, Invalid } from '../../core/errors.ts'
import { ensurePrivateDir, moveIfExists, readFileIfExists, writeFileAtomic } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import type { Http } from '../../core/net/index.ts'
import type { Random } from '../../core/random.ts'
import { type RetryPolicy, retrying } from '../../core/retry.ts'
import { parseJson } from '../../core/schema.ts'
import {
  type DataSource,
  type DataSourceConfiguration,
  parseDataSourceConfiguration,
} from '../../protocol/data-source-configuration.ts'
import type { Identity } from '../identity.ts'
import { fetchConfiguration } from './fetch.ts'

/** What the hub wants measured: fetched, checked, applied and kept for a start without network. */
export interface Configuration {
  /** The hub may have another one: it announced this eTag, or was reached again. */
  announced(eTag: string | undefined): void
  status(): ConfigurationStatus
  /** Ends it: nothing is measured by it any more, and its file lies at `path`. May be repeated. */
  setAside(path: string): Promise<void>
  /** Fetches at start and after each announcement, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface ConfigurationStatus {
  /** Of the one in force; absent before the first. */
  eTag?: string
  configurationId?: string
  dataSources: number
  dataPoints: number
  /** Of a newer one that could not be put in force; the one before runs on. */
  faults?: readonly string[]
  /** Why the hub's could not be fetched. */
  reason?: string
}

export interface ConfigurationDeps {
  identity: Pick<Identity, 'onboarded' | 'accessToken' | 'forget' | 'onChange'>
  /** Puts data sources in force; with any fault it throws `Invalid` and changes nothing. */
  apply(dataSources: readonly DataSource[]): void
  http: Http
  clock: Clock
  random: Random
  log: Logger
}

/** Puts the kept configuration in force. One that cannot be is reported and replaced by the next fetch. */
export async function openConfiguration(
  deps: ConfigurationDeps,
  { dir, retry }: { dir: string; retry: RetryPolicy },
): Promise<Configuration> {
  const { identity, apply, clock, random } = deps
  const log = deps.log.child({ part: 'configuration' })
  await ensurePrivateDir(dir)
  const path = join(dir, 'dsc.json')
  let inForce: DataSourceConfiguration | undefined
  let faults: ConfigurationStatus['faults']
  let reason: string | undefined
  /** How often the box became another agent. */
  let setsAside = 0
  let news = Promise.withResolvers<void>()

  /** True when it is in force; otherwise its faults are kept for the status. */
  function enforce(document: unknown): boolean {
    try {
      const configuration = parseDataSourceConfiguration(document, 'data source configuration')
      apply(configuration.dataSources)
      inForce = configuration
      faults = undefined
      const { eTag, configurationId } = configuration
      log.info({ eTag, configurationId }, 'data source configuration in force')
      return true
    } catch (error) {
      if (!(error instanceof Invalid)) throw error
      faults = faultsOf(error)
      log.error({ faults }, 'data source configuration refused; the one before stays in force')
      return false
    }
  }

  let kept = await readKept(path, log)
  if (kept !== undefined) enforce(kept)

  async function refresh(signal: AbortSignal): Promise<void> {
    const asked = setsAside
    const document = await fetchConfiguration(deps, signal)
    if (asked !== setsAside) return // it is the former agent's
    reason = undefined
    if (!faults && isDeepStrictEqual(document, kept)) return
    // In force before on disk: only the sources can tell whether it is good, and a cut between the two
    // starts with the one before and fetches this one again.
    if (!enforce(document)) return
    await keep(path, document)
    kept = document
  }

  const failed = (error: EdgeError, delayMs: number) => {
    reason = error.message
    log.warn({ code: error.code, reason, delayMs }, 'data source configuration not fetched; trying again')
  }

  identity.onChange(() => news.resolve())

  return {
    announced(eTag) {
      if (eTag === undefined || eTag !== inForce?.eTag) news.resolve()
    },
    async setAside(aside) {
      setsAside++
      apply([])
      inForce = undefined
      faults = undefined
      kept = undefined
      await moveIfExists(path, aside)
    },
    status: () => ({ ...summary(inForce), ...(faults ? { faults } : {}), ...(reason ? { reason } : {}) }),
    async run(signal) {
      signal.addEventListener('abort', () => news.resolve(), { once: true })
      while (!signal.aborted) {
        news = Promise.withResolvers()
        await retrying(() => refresh(signal), retry, { clock, random }, signal, failed).catch((error) => {
          if (!signal.aborted) throw error
        })
        await news.promise
      }
    },
  }
}

const faultsOf = ({ details, message }: Invalid): readonly string[] =>
  details.length > 0 ? details : [message]

/** A file that cannot be read is no reason not to start: the hub has the configuration too. */
async function readKept(path: string, log: Logger): Promise<unknown> {
  try {
    const text = await readFileIfExists(path)
    return text === undefined ? undefined : parseJson(text, path)
  } catch (error) {
    log.error({ err: error }, 'kept data source configuration cannot be read; waiting for the hub')
    return undefined
  }
}

class ConfigurationNotKept extends EdgeError {
  override readonly name = 'ConfigurationNotKept'
  readonly code = 'configuration_not_kept'
  override readonly retryable = true
}

async function keep(path: string, document: unknown): Promise<void> {
  try {
    await writeFileAtomic(path, JSON.stringify(document))
  } catch (cause) {
    throw new ConfigurationNotKept(`${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
}

function summary(inForce: DataSourceConfiguration | undefined) {
  if (!inForce) return { dataSources: 0, dataPoints: 0 }
  const { eTag, configurationId, dataSources } = inForce
  const dataPoints = dataSources.reduce((sum, source) => sum + source.dataPoints.length, 0)
  const name = configurationId === undefined ? {} : { configurationId }
  return { eTag, ...name, dataSources: dataSources.length, dataPoints }
}
