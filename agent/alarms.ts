import type { Clock } from '../core/clock.ts'
import { Conflict, NotFound } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { parser } from '../core/schema.ts'
import { AlarmState, type Severity, typeOf } from '../protocol/alarm.ts'
import { createKeeper, type Keeper, readKept } from './alarms/kept.ts'
import { kindOf } from './alarms/kinds.ts'

/** Something that an operator must know of, for as long as it lasts. */
export type Alarm = AlarmState & Required<Pick<AlarmState, 'id' | 'severity' | 'count' | 'lastAt'>>

/** The alarms that stand, shown in status, metrics and at the hub. */
export interface Alarms {
  /**
   * One alarm a code: raised again it keeps its moment and takes the new message. A code is a type, in
   * snake_case, or `type:source`; the type decides on the severity (alarms/kinds.ts).
   */
  raise(code: string, message: string): void
  clear(code: string): void
  standing(): Alarm[]
}

/** All alarms that are kept. */
export interface AlarmBook extends Alarms, AsyncDisposable {
  /** With those that were cleared; the newest first. */
  all(): Alarm[]
  /** By id, or by the code of one that stands. Throws `NotFound`, and `Conflict` when it was cleared. */
  acknowledge(idOrCode: string, by: string): Promise<Alarm>
  /** How alarms are told from now on, those that stand too. */
  map(mappings: readonly AlarmMapping[]): void
  /** Forgets cleared ones; says how many. */
  forget(isOld: (alarm: Alarm) => boolean): number
  /** Until what it returns is called. */
  onChange(listener: () => void): () => void
  /** Clears what ends by itself, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

/** By type. */
export interface AlarmMapping {
  readonly type: string
  readonly severity: Severity | null
  readonly text: string | null
  /** Nobody is told. */
  readonly dropped: boolean
}

export interface AlarmsDeps {
  clock: Clock
  log: Logger
}

type Kept = Omit<Alarm, 'severity'>

/** What comes back sooner is the same alarm. */
const sameAgainMs = 600_000
const maxStanding = 500
const maxCleared = 200
/** After a start, what still lasts is seen again within this time. */
const seenAgainMs = 300_000
const lookEveryMs = 60_000

/** In memory alone. */
export const createAlarms = (deps: AlarmsDeps): AlarmBook => alarmBook(deps, [])

/** They outlive the process, in a small file. */
export async function openAlarms(deps: AlarmsDeps, { path }: { path: string }): Promise<AlarmBook> {
  const parse = parser(AlarmState)
  const kept = await readKept(path, (row) => parse(row, 'alarm') as Kept, deps.log)
  const keeper: Keeper = createKeeper(deps, { path, content: () => book.kept() })
  const book = alarmBook(deps, kept, keeper)
  return book
}

function alarmBook({ clock, log }: AlarmsDeps, known: Kept[], keeper?: Keeper) {
  /** Oldest first. */
  let alarms = known
  let nextId = 1 + Math.max(0, ...known.map(({ id }) => Number(id) || 0))
  let mappings = new Map<string, AlarmMapping>()
  const listeners = new Set<() => void>()
  /** Stood at the last stop, and nobody has said yet whether they do so still. */
  const unseen = new Set(
    known.filter((alarm) => stands(alarm) && lastsMs(alarm) === undefined).map(({ code }) => code),
  )

  const newestOf = (code: string): Kept | undefined => alarms.findLast((alarm) => alarm.code === code)
  const changed = (): void => {
    keeper?.changed()
    for (const listener of listeners) listener()
  }
  const put = (alarm: Kept): void => {
    alarms = bounded([...alarms.filter(({ id }) => id !== alarm.id), alarm])
    changed()
  }
  const shown = (alarm: Kept): Alarm => {
    const { severity, text } = mappings.get(typeOf(alarm)) ?? {}
    const message = text ?? alarm.message
    return { ...alarm, message, severity: severity ?? kindOf(typeOf(alarm)).severity }
  }
  const told = (): Kept[] => alarms.filter((alarm) => !mappings.get(typeOf(alarm))?.dropped)

  const raise: Alarms['raise'] = (code, message) => {
    const now = clock.now()
    const before = newestOf(code)
    unseen.delete(code)
    const isAgain = before && (stands(before) || now - (before.clearedAt ?? 0) <= sameAgainMs)
    if (isAgain && stands(before) && before.message === message && lastsMs(before) === undefined) {
      before.lastAt = now // nothing that would be worth a write
      return
    }
    const { acknowledgedBy, acknowledgedAt } = isAgain && stands(before) ? before : {}
    const { id, raisedAt, count } = isAgain ? before : { id: `${nextId++}`, raisedAt: now, count: 0 }
    if (!(isAgain && stands(before)) || before.message !== message)
      log.error({ code, reason: message }, 'alarm raised')
    const acknowledged = acknowledgedBy === undefined ? {} : { acknowledgedBy, acknowledgedAt }
    put({ id, code, message, raisedAt, lastAt: now, count: count + 1, ...acknowledged } as Kept)
  }
  const clear: Alarms['clear'] = (code) => {
    unseen.delete(code)
    const alarm = newestOf(code)
    if (!alarm || !stands(alarm)) return
    log.info({ code }, 'alarm cleared')
    put({ ...alarm, clearedAt: clock.now() })
  }
  const clearEnded = (): void => {
    for (const alarm of alarms.filter(stands)) {
      const endsAfterMs = lastsMs(alarm)
      if (endsAfterMs !== undefined && clock.now() - alarm.lastAt > endsAfterMs) clear(alarm.code)
    }
  }

  return {
    raise,
    clear,
    kept: () => alarms,
    standing: () => told().filter(stands).map(shown),
    all: () => told().map(shown).reverse(),
    async acknowledge(idOrCode, by) {
      const alarm =
        alarms.find(({ id }) => id === idOrCode) ??
        alarms.findLast(({ code, ...rest }) => code === idOrCode && stands(rest))
      if (!alarm) throw new NotFound(`there is no alarm ${idOrCode}`)
      if (!stands(alarm)) throw new Conflict(`alarm ${alarm.id} was cleared by itself`)
      const acknowledged = { ...alarm, acknowledgedBy: by, acknowledgedAt: clock.now() }
      alarms = alarms.map((each) => (each === alarm ? acknowledged : each))
      changed()
      await keeper?.write()
      return shown(acknowledged)
    },
    map(given) {
      mappings = new Map(given.map((mapping) => [mapping.type, mapping]))
      for (const listener of listeners) listener()
    },
    forget(isOld) {
      const left = alarms.filter((alarm) => stands(alarm) || !isOld(shown(alarm)))
      const count = alarms.length - left.length
      alarms = left
      if (count > 0) changed()
      return count
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async run(signal) {
      const startedAt = clock.monotonic()
      while (!signal.aborted) {
        clearEnded()
        if (clock.monotonic() - startedAt >= seenAgainMs) for (const code of [...unseen]) clear(code)
        await clock.sleep(lookEveryMs, signal).catch(() => {}) // aborted: the loop ends
      }
    },
    [Symbol.asyncDispose]: async () => keeper?.[Symbol.asyncDispose](),
  } satisfies AlarmBook & { kept(): readonly Kept[] }
}

const stands = ({ clearedAt }: Pick<AlarmState, 'clearedAt'>): boolean => clearedAt === undefined
const lastsMs = (alarm: Kept): number | undefined => kindOf(typeOf(alarm)).lastsMs

/** The oldest go; of those that stand, the newest are told by the log alone. */
function bounded(alarms: Kept[]): Kept[] {
  const standing = alarms.filter(stands).slice(0, maxStanding)
  const cleared = alarms.filter((alarm) => !stands(alarm)).slice(-maxCleared)
  const left = new Set([...standing, ...cleared])
  return alarms.filter((alarm) => left.has(alarm))
}
