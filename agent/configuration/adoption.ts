import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import { DefinitionsInvalid, type Sources, type Trial } from '../sources/index.ts'
import { type Candidate, definitionsOf, isEmpty, isSameDefinitions, versionOf } from './candidate.ts'
import {
  type Content,
  type Kept,
  nothing,
  type Version,
  type VersionFault,
  type Versions,
} from './versions.ts'

/** Puts configurations in force, those that are new to their devices after a trial. */
export interface Adoption {
  /** In force. */
  content(): Content
  /** That of the last start, without a trial; false when it does not fit this program. */
  restore(content: Content): boolean
  /** Resolves when it is decided. Throws the retryable `ConfigurationNotKept`; `DefinitionsInvalid`. */
  adopt(candidate: Candidate, signal: AbortSignal): Promise<void>
  /** Ends the trial that runs, if it is of that origin or none is told. */
  cut(reason: string, origin?: Version['origin']): void
  trial(): RunningTrial | undefined
  forget(): void
}

export interface RunningTrial {
  version: Version
  sources: ReturnType<Trial['status']>
  /** Until it is decided at the latest. */
  leftMs: number
}

export interface AdoptionDeps {
  sources: Pick<Sources, 'apply' | 'check' | 'try'>
  versions: Versions
  /** Whether the hub is connected. */
  isLinked(): boolean
  /** The state of the configuration is another one. */
  onChange(): void
  note: Note
  clock: Clock
  log: Logger
}

export type Note = (
  event: 'configuration_applied' | 'configuration_refused' | 'configuration_reverted',
  text: string,
) => void

const lookMs = 200

export function createAdoption(
  { sources, versions, isLinked, onChange, note, clock, log }: AdoptionDeps,
  { confirmTimeoutMs }: { confirmTimeoutMs: number },
): Adoption {
  let inForce = nothing
  let current: { version: Version; trial: Trial; deadline: number; cut?: string } | undefined

  /** `after`: what else is so from then on. */
  async function record(version: Version, candidate: Candidate, after: Partial<Kept>): Promise<void> {
    const { trial: _decided, ...kept } = versions.current()
    const others = kept.versions.filter(({ number }) => number !== version.number)
    const isNew = others.length === kept.versions.length
    await versions.save(
      {
        ...{ ...kept, ...after },
        next: Math.max(kept.next, version.number + 1),
        versions: [...others.map((each) => replaced(each, version)), version],
      },
      isNew ? { number: version.number, content: candidate.content } : undefined,
    )
  }

  const seenAfter = ({ seen }: Candidate): Kept['seen'] => ({ ...versions.current().seen, ...seen })

  async function activate(base: Omit<Version, 'state'>, candidate: Candidate, trial?: Trial): Promise<void> {
    const version: Version = { ...base, at: clock.now(), state: 'active', wasActive: true }
    await record(version, candidate, { active: version.number, seen: seenAfter(candidate) })
    const { definitions, overridden } = definitionsOf(candidate.content)
    if (trial) trial.commit()
    else sources.apply(definitions.hub, definitions.local)
    inForce = candidate.content
    const { number, origin, eTag, configurationId } = version
    log.info({ version: number, origin, eTag, configurationId }, 'data source configuration in force')
    note(
      'configuration_applied',
      `version ${number} of the data source configuration is in force (${origin})`,
    )
    if (overridden.length > 0)
      log.warn({ overridden }, 'data sources of the hub give way to local ones of the same name')
    onChange()
  }

  async function revert(base: Version, candidate: Candidate, faults: VersionFault[], reason: string) {
    const version: Version = { ...base, at: clock.now(), state: 'reverted', reason, faults }
    await record(version, candidate, { seen: seenAfter(candidate) })
    log.error({ version: version.number, reason, faults }, 'data source configuration reverted')
    note('configuration_reverted', `version ${version.number} of the data source configuration: ${reason}`)
    onChange()
  }

  /** What speaks against it; empty when it has shown itself. */
  async function prove(signal: AbortSignal): Promise<VersionFault[]> {
    const wasLinked = isLinked()
    for (;;) {
      const running = current as NonNullable<typeof current>
      const isOver = clock.monotonic() >= running.deadline
      const faults: VersionFault[] = running.trial.faults(isOver)
      if (wasLinked && !isLinked())
        faults.push({ fault: 'the link to the hub was lost and did not come back' })
      if (faults.length === 0 || isOver || running.cut !== undefined) return faults
      await clock.sleep(lookMs, signal)
    }
  }

  async function tryOut(base: Omit<Version, 'state'>, candidate: Candidate, signal: AbortSignal) {
    const { seen } = candidate
    const attempts = candidate.resumed ? 2 : 1
    const version: Version = { ...base, state: 'trial' }
    await record(version, candidate, { trial: { number: version.number, attempts, seen } })
    const trial = sources.try(definitionsOf(candidate.content).definitions)
    if (!trial) return activate(version, candidate)
    current = { version, trial, deadline: clock.monotonic() + confirmTimeoutMs }
    log.info({ version: version.number, attempts }, 'data source configuration on trial')
    onChange()
    try {
      const faults = await prove(signal)
      const { cut } = current
      if (faults.length === 0 && cut === undefined) return await activate(version, candidate, trial)
      const seconds = Math.round(confirmTimeoutMs / 1000)
      await revert(
        version,
        candidate,
        faults,
        cut ?? `it did not read within ${seconds} s; the one before goes on`,
      )
    } finally {
      trial.revert() // nothing after a commit
      current = undefined
    }
  }

  return {
    content: () => inForce,
    restore(content) {
      try {
        const { definitions } = definitionsOf(content)
        sources.apply(definitions.hub, definitions.local)
        inForce = content
        return true
      } catch (error) {
        if (!(error instanceof DefinitionsInvalid)) throw error
        log.error({ faults: error.details }, 'kept data source configuration does not fit this release')
        return false
      }
    },
    async adopt(candidate, signal) {
      sources.check(definitionsOf(candidate.content).definitions)
      const { resumed, atOnce, content } = candidate
      const base = resumed ?? versionOf(candidate, versions.current().next, clock.now())
      const isUntried =
        atOnce || confirmTimeoutMs === 0 || isEmpty(inForce) || isSameDefinitions(content, inForce)
      await (isUntried ? activate(base, candidate) : tryOut(base, candidate, signal))
    },
    cut(reason, origin) {
      if (current && (origin === undefined || current.version.origin === origin)) current.cut = reason
    },
    trial: () =>
      current && {
        version: current.version,
        sources: current.trial.status(),
        leftMs: Math.max(0, Math.round(current.deadline - clock.monotonic())),
      },
    forget() {
      current?.trial.revert()
      sources.apply([])
      inForce = nothing
    },
  }
}

/** One is in force, and one on trial. */
function replaced(version: Version, by: Version): Version {
  if (version.state === 'trial')
    return { ...version, state: 'reverted', reason: 'its outcome could not be kept' }
  if (by.state === 'active' && version.state === 'active') return { ...version, state: 'replaced' }
  return version
}
