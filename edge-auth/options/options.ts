import type { Clock } from '../../core/clock.ts'
import { Conflict, Forbidden, Invalid, NotFound, PreconditionFailed } from '../../core/errors.ts'
import type { Audit } from '../audit/audit.ts'
import type { Option, Store } from '../store/index.ts'
import { knownOptions } from './known.ts'

/** What a change is bound to. */
export interface Condition {
  /** 0: only when there is none. */
  ifRevision?: number
  mustExist?: boolean
}

/** Settings that are changed while the box runs, in memory as on disk: what reads one obeys it at once. */
export interface Options {
  get(category: string, key: string): string | undefined
  /** Undefined unless it is a whole number. */
  whole(category: string, key: string): number | undefined
  /** `otherwise` unless it is `true` or `false`, `on` or `off`. */
  flag(category: string, key: string, otherwise: boolean): boolean
  find(category: string, key: string): Option | undefined
  list(category?: string): Option[]
  /** Locked by the configuration file. */
  isLocked(category: string, key: string): boolean
  /** `allowed` is given what is there, when no other change can come between; it throws to refuse. */
  set(
    wanted: Pick<Option, 'category' | 'key' | 'value' | 'owner'>,
    condition: Condition,
    allowed: (before: Option | undefined) => void,
  ): Promise<Option>
  remove(
    named: Pick<Option, 'category' | 'key'>,
    condition: Condition,
    allowed: (before: Option) => void,
  ): Promise<void>
  /** Asked before each change; `value` is undefined where it is removed. Throws to refuse. */
  beforeChange(check: (category: string, key: string, value: string | undefined) => void): void
  /** For who has removed the user on disk: what was his is nobody's. */
  disown(user: string): void
  /** Called after each change, when it is on disk. */
  onChange(listener: (category: string, key: string) => void): void
}

export interface OptionsDeps {
  store: Store
  clock: Clock
  audit: Pick<Audit, 'optionChanged'>
}

export interface OptionsConfig {
  /** `category/key` or `category/*`: what only the configuration of the box may say. */
  locked: readonly string[]
}

const maxOptions = 1_000

export function createOptions({ store, clock, audit }: OptionsDeps, { locked }: OptionsConfig): Options {
  const options = new Map(store.contents.options.map((option) => [nameOf(option), option]))
  const listeners: ((category: string, key: string) => void)[] = []
  const checks: Parameters<Options['beforeChange']>[0][] = []
  const get = (category: string, key: string): string | undefined =>
    options.get(nameOf({ category, key }))?.value

  const isLocked = (category: string, key: string): boolean =>
    locked.some((pattern) => pattern === `${category}/*` || pattern === `${category}/${key}`)

  const refuseLocked = ({ category, key }: Named): void => {
    if (isLocked(category, key))
      throw new Forbidden(`${category}/${key} is locked by auth.locked_options of this box`, 'locked')
  }
  const told = ({ category, key }: Named): void => {
    for (const listener of listeners) listener(category, key)
  }

  return {
    get,
    whole(category, key) {
      const value = get(category, key)
      return value !== undefined && /^-?\d{1,15}$/.test(value) ? Number(value) : undefined
    },
    flag(category, key, otherwise) {
      const value = get(category, key)
      if (value === 'true' || value === 'on') return true
      return value === 'false' || value === 'off' ? false : otherwise
    },
    find: (category, key) => options.get(nameOf({ category, key })),
    list: (category) =>
      [...options.values()]
        .filter((option) => category === undefined || option.category === category)
        .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
    isLocked,
    set: (wanted, condition, allowed) =>
      store.change(async (disk) => {
        const before = options.get(nameOf(wanted))
        allowed(before)
        refuseLocked(wanted)
        refuseChanged(before, condition)
        refuseFaulty(wanted)
        for (const check of checks) check(wanted.category, wanted.key, wanted.value)
        if (before?.value === wanted.value) return before
        if (!before && options.size >= maxOptions)
          throw new Conflict(`there are ${maxOptions} options already`)
        const { owner, revision } = before ?? { owner: wanted.owner, revision: 0 }
        const option: Option = { ...wanted, owner, updatedAt: clock.now(), revision: revision + 1 }
        await disk.call('putOption', [audit.optionChanged(before, option, isKnown(wanted))], option)
        options.set(nameOf(option), option)
        told(option)
        return option
      }),
    remove: (named, condition, allowed) =>
      store.change(async (disk) => {
        const before = options.get(nameOf(named))
        if (!before) throw new NotFound(`there is no option ${named.category}/${named.key}`)
        allowed(before)
        refuseLocked(named)
        refuseChanged(before, condition)
        for (const check of checks) check(named.category, named.key, undefined)
        const entries = [audit.optionChanged(before, undefined, isKnown(named))]
        await disk.call('removeOption', entries, named.category, named.key)
        options.delete(nameOf(named))
        told(named)
      }),
    beforeChange: (check) => void checks.push(check),
    disown(user) {
      for (const [name, option] of options)
        if (option.owner === user) options.set(name, { ...option, owner: null })
    },
    onChange: (listener) => void listeners.push(listener),
  }
}

type Named = Pick<Option, 'category' | 'key'>

/** No part holds a slash. */
const nameOf = ({ category, key }: Named): string => `${category}/${key}`

const known = ({ category, key }: Named) =>
  knownOptions.find((option) => option.category === category && option.key === key)
/** Whether edgeward itself obeys it. */
export const isKnown = (named: Named): boolean => known(named) !== undefined

function refuseChanged(before: Option | undefined, { ifRevision, mustExist }: Condition): void {
  if (mustExist && !before) throw new PreconditionFailed('there is no such option')
  if (ifRevision === undefined || ifRevision === (before?.revision ?? 0)) return
  throw new PreconditionFailed(before ? 'the option was changed meanwhile' : 'there is no such option')
}

function refuseFaulty(wanted: Named & Pick<Option, 'value'>): void {
  const fault = known(wanted)?.fault(wanted.value)
  if (fault !== undefined) throw new Invalid(`${wanted.category}/${wanted.key} ${fault}`)
}
