import type { Clock } from '../../core/clock.ts'
import { Conflict, Forbidden, NotFound, PreconditionFailed } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Audit } from '../audit/audit.ts'
import type { RetentionRule, Store } from '../store/index.ts'
import { type Aged, type DataType, isOld, type Rule, rulesFor } from './rule.ts'

/** What others keep, and how they forget it. */
export interface KeptElsewhere {
  /** Says how many have gone. */
  removeEvents(isOld: (event: Aged) => boolean): number
  /** Cleared ones. */
  removeAlarms(isOld: (alarm: Aged) => boolean): number
  /** Readings that wait for the hub; undefined: for ever. */
  keepReadingsFor(maxAgeMs: number | undefined): void
}

/** Removes what is old, once a day. */
export interface Retention {
  list(): readonly RetentionRule[]
  /** Throws `NotFound`. */
  get(id: number): RetentionRule
  add(rule: Rule & Pick<RetentionRule, 'editable' | 'owner'>, allowed: () => void): Promise<RetentionRule>
  /** `allowed` is given what is there, when no other change can come between; it throws to refuse. */
  change(
    id: number,
    wanted: Partial<Rule & Pick<RetentionRule, 'editable'>>,
    ifRevision: number | undefined,
    allowed: (before: RetentionRule) => void,
  ): Promise<RetentionRule>
  remove(id: number, ifRevision: number | undefined, allowed: (before: RetentionRule) => void): Promise<void>
  /** Now; says how many of each have gone. Readings go by themselves. */
  runNow(): Promise<Removed>
  /** Once a day, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export type Removed = Readonly<Record<Exclude<DataType, 'MEASUREMENT' | '*'>, number>>

export interface RetentionDeps {
  store: Store
  clock: Clock
  /** Runs forward only, over restarts. */
  sessionTime(): number
  /** The proven time, where the box's clock is wrong. */
  correctedNow?: (() => number | undefined) | undefined
  audit: Pick<Audit, 'retentionChanged' | 'flush'>
  kept?: KeptElsewhere | undefined
  log: Logger
}

const dayMs = 86_400_000
const lookEveryMs = 600_000
const maxRules = 200

/** `ranAt`: session time, as kept. */
export function createRetention(deps: RetentionDeps, ranAt: string | undefined): Retention {
  const { store, clock, sessionTime, correctedNow, audit, kept, log } = deps
  const rules = new Map(store.contents.retentionRules.map((rule) => [rule.id, rule]))
  let last = ranAt === undefined ? Number.NEGATIVE_INFINITY : Number(ranAt)
  let underWay: Promise<unknown> = Promise.resolve()

  const list = (): RetentionRule[] => [...rules.values()]
  const get = (id: number): RetentionRule => {
    const rule = rules.get(id)
    if (!rule) throw new NotFound(`there is no retention rule ${id}`)
    return rule
  }
  /** Readings are kept together, whatever their point and source. */
  const tellOutbox = (): void => {
    const ages = list()
      .filter((rule) => ['MEASUREMENT', '*'].includes(rule.dataType) && isGeneral(rule))
      .map(({ maximumAge }) => maximumAge)
    kept?.keepReadingsFor(ages.length === 0 ? undefined : Math.min(...ages) * dayMs)
  }
  const removeAudit = async (now: number): Promise<number> => {
    const old = rulesFor(list(), 'AUDIT', now)
    for (let total = 0; ; ) {
      const removed = await store.removeOldAudit(old, clock.now())
      total += removed
      if (removed === 0) return total
    }
  }
  const removeOld = async (): Promise<Removed> => {
    await audit.flush()
    const now = correctedNow?.() ?? clock.now()
    const old = (dataType: DataType) => {
      const fitting = rulesFor(list(), dataType, now)
      return (thing: Aged): boolean => fitting.some((rule) => isOld(rule, thing))
    }
    const removed = {
      AUDIT: await removeAudit(now),
      EVENT: kept?.removeEvents(old('EVENT')) ?? 0,
      ALARM: kept?.removeAlarms(old('ALARM')) ?? 0,
    }
    last = sessionTime()
    const setting = { key: 'retention_ran', value: `${last}` } as const
    await store.change((disk) => disk.call('putSetting', [], setting))
    log.info({ ...removed }, 'retention has run')
    return removed
  }
  const runNow = (): Promise<Removed> => {
    const done = underWay.then(removeOld)
    underWay = done.catch(() => {}) // told to the caller
    return done
  }
  tellOutbox()

  return {
    list,
    get,
    add: (wanted, allowed) =>
      store.change(async (disk) => {
        allowed()
        if (rules.size >= maxRules) throw new Conflict(`there are ${maxRules} retention rules already`)
        const id = Math.max(0, ...rules.keys()) + 1
        const rule = { ...wanted, id, updatedAt: clock.now(), revision: 1 }
        await disk.call('putRetentionRule', [audit.retentionChanged('created', rule)], rule)
        rules.set(id, rule)
        tellOutbox()
        return rule
      }),
    change: (id, wanted, ifRevision, allowed) =>
      store.change(async (disk) => {
        const before = get(id)
        allowed(before)
        refuseChanged(before, ifRevision)
        const rule = { ...before, ...wanted, updatedAt: clock.now(), revision: before.revision + 1 }
        await disk.call('putRetentionRule', [audit.retentionChanged('updated', rule)], rule)
        rules.set(id, rule)
        tellOutbox()
        return rule
      }),
    remove: (id, ifRevision, allowed) =>
      store.change(async (disk) => {
        const before = get(id)
        allowed(before)
        refuseChanged(before, ifRevision)
        await disk.call('removeRetentionRule', [audit.retentionChanged('deleted', before)], id)
        rules.delete(id)
        tellOutbox()
      }),
    runNow,
    async run(signal) {
      while (!signal.aborted) {
        if (sessionTime() - last >= dayMs)
          await runNow().catch((err) => log.error({ err }, 'retention has failed'))
        await clock.sleep(lookEveryMs, signal).catch(() => {}) // aborted
      }
    },
  }
}

export const isGeneral = ({ fragmentType, type, source }: Rule): boolean =>
  [fragmentType, type, source].every((what) => what === '*')

function refuseChanged({ id, revision }: RetentionRule, ifRevision: number | undefined): void {
  if (ifRevision !== undefined && ifRevision !== revision)
    throw new PreconditionFailed(`retention rule ${id} was changed meanwhile`)
}

/** Only whoever holds the machine changes what is fixed. */
export function refuseFixed({ id, editable }: RetentionRule, user: string | undefined): void {
  if (!editable && user !== undefined)
    throw new Forbidden(`retention rule ${id} can only be changed on the machine`, 'not_editable')
}
