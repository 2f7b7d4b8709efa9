import Type from 'typebox'
import type { Caller, Operations } from '../../core/control.ts'
import { NotFound } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import type { Authority } from '../permissions/authority.ts'
import type { Act } from '../permissions/index.ts'
import type { Option } from '../store/index.ts'
import { knownOptions } from './known.ts'
import { type Condition, isKnown, type Options } from './options.ts'

/** Part of a name in a path: no slash. */
export const OptionName = Type.String({ pattern: '^[A-Za-z0-9._-]{1,128}$' })
export const OptionValue = Type.String({ maxLength: 4_096 })

const strict = { additionalProperties: false }
const conditions = {
  ifRevision: Type.Optional(Type.Integer({ minimum: 0 })),
  mustExist: Type.Optional(Type.Boolean()),
}
const parseList = parser(Type.Object({ category: Type.Optional(OptionName) }, strict))
const parseNothing = parser(Type.Object({}, strict))
const parseOne = parser(Type.Object({ category: OptionName, key: OptionName }, strict))
const parseSet = parser(
  Type.Object({ category: OptionName, key: OptionName, value: OptionValue, ...conditions }, strict),
)
const parseRemove = parser(Type.Object({ category: OptionName, key: OptionName, ...conditions }, strict))

export interface OptionOperationsDeps {
  options: Options
  authority: Pick<Authority, 'demand' | 'may'>
}

export function optionOperations({ options, authority }: OptionOperationsDeps): Operations {
  const shown = ({ category, key, value, owner, updatedAt, revision }: Option) => ({
    ...{ category, key, value, owner, updatedAt, revision },
    locked: options.isLocked(category, key),
  })
  const need = (act: Act) => ({ category: 'Options', act }) as const
  const ownedBy = (option: Option, user: string | undefined): boolean =>
    user !== undefined && option.owner === user
  /** What the box obeys has a value before anybody makes one, and is nobody's own. */
  const demandChange = (
    caller: Caller,
    act: Act,
    named: Pick<Option, 'category' | 'key'>,
    before?: Option,
  ) => {
    if (isKnown(named)) authority.demand(caller, need('update'))
    else authority.demand(caller, need(act), before && ownedBy(before, caller.user))
  }
  return {
    'option.list': async (params, caller) => {
      const { category } = parseList(params ?? {}, 'option.list')
      const own = caller.user !== undefined
      authority.demand(caller, need('read'), own)
      const mayReadAll = authority.may(caller, need('read'))
      return options
        .list(category)
        .filter((option) => mayReadAll || ownedBy(option, caller.user))
        .map(shown)
    },
    'option.known': async (params) => {
      parseNothing(params ?? {}, 'option.known')
      return knownOptions.map(({ category, key, description }) => ({ category, key, description }))
    },
    'option.get': async (params, caller) => {
      const { category, key } = parseOne(params, 'option.get')
      const option = options.find(category, key)
      authority.demand(caller, need('read'), option && ownedBy(option, caller.user))
      if (!option) throw new NotFound(`there is no option ${category}/${key}`)
      return shown(option)
    },
    'option.set': async (params, caller) => {
      const { category, key, value, ...condition } = parseSet(params, 'option.set')
      const wanted = { category, key, value, owner: caller.user ?? null }
      const option = await options.set(wanted, condition as Condition, (before) =>
        demandChange(caller, before ? 'update' : 'create', wanted, before),
      )
      const sees = authority.may(caller, need('read'), ownedBy(option, caller.user))
      return sees ? shown(option) : { revision: option.revision }
    },
    'option.remove': async (params, caller) => {
      const { category, key, ...condition } = parseRemove(params, 'option.remove')
      await options.remove({ category, key }, condition as Condition, (before) =>
        demandChange(caller, 'delete', before, before),
      )
    },
  }
}
