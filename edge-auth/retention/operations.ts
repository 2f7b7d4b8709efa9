import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { Forbidden, Invalid } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import type { Act, Authority } from '../permissions/index.ts'
import type { RetentionRule } from '../store/index.ts'
import { isGeneral, type Retention, refuseFixed } from './retention.ts'
import { dataTypes, type Rule } from './rule.ts'

const strict = { additionalProperties: false }
const Pattern = Type.String({ minLength: 1, maxLength: 128, description: '`*` for all' })
const optional = {
  fragmentType: Type.Optional(Pattern),
  type: Type.Optional(Pattern),
  source: Type.Optional(Pattern),
  editable: Type.Optional(Type.Boolean()),
}
const MaximumAge = Type.Integer({ minimum: 1, maximum: 3_650, description: 'days' })
export const NewRule = Type.Object(
  { dataType: Type.Enum([...dataTypes]), ...optional, maximumAge: MaximumAge },
  strict,
)
export const ChangedRule = Type.Object(
  {
    dataType: Type.Optional(Type.Enum([...dataTypes])),
    ...optional,
    maximumAge: Type.Optional(MaximumAge),
  },
  strict,
)

const Id = Type.Integer({ minimum: 1 })
const ifRevision = Type.Optional(Type.Integer({ minimum: 0 }))
const parseNothing = parser(Type.Object({}, strict))
const parseOne = parser(Type.Object({ id: Id }, strict))
const parseAdd = parser(NewRule)
const parseSet = parser(Type.Object({ id: Id, ...ChangedRule.properties, ifRevision }, strict))
const parseRemove = parser(Type.Object({ id: Id, ifRevision }, strict))

export interface RetentionOperationsDeps {
  retention: Retention
  authority: Pick<Authority, 'demand' | 'may'>
}

export function retentionOperations({ retention, authority }: RetentionOperationsDeps): Operations {
  const need = (act: Act) => ({ category: 'Retention', act }) as const
  const isOwn = ({ owner }: RetentionRule, user: string | undefined) => user !== undefined && owner === user
  return {
    'retention.list': async (params, caller) => {
      parseNothing(params ?? {}, 'retention.list')
      authority.demand(caller, need('read'), caller.user !== undefined)
      const mayReadAll = authority.may(caller, need('read'))
      return retention.list().filter((rule) => mayReadAll || isOwn(rule, caller.user))
    },
    'retention.get': async (params, caller) => {
      const { id } = parseOne(params, 'retention.get')
      const rule = retention.list().find((each) => each.id === id)
      authority.demand(caller, need('read'), rule && isOwn(rule, caller.user))
      return retention.get(id)
    },
    'retention.add': async (params, caller) => {
      const given = parseAdd(params, 'retention.add')
      const rule = { fragmentType: '*', type: '*', source: '*', editable: true, ...given }
      refuseUnkept(rule)
      if (!rule.editable && caller.user !== undefined)
        throw new Forbidden('only the machine makes rules that cannot be changed', 'not_editable')
      return retention.add({ ...rule, owner: caller.user ?? null }, () =>
        authority.demand(caller, need('create')),
      )
    },
    'retention.set': async (params, caller) => {
      const { id, ifRevision: revision, ...wanted } = parseSet(params, 'retention.set')
      return retention.change(id, wanted, revision, (before) => {
        authority.demand(caller, need('update'), isOwn(before, caller.user))
        refuseFixed({ ...before, editable: before.editable && wanted.editable !== false }, caller.user)
        refuseUnkept({ ...before, ...wanted })
      })
    },
    'retention.remove': async (params, caller) => {
      const { id, ifRevision: revision } = parseRemove(params, 'retention.remove')
      await retention.remove(id, revision, (before) => {
        authority.demand(caller, need('delete'), isOwn(before, caller.user))
        refuseFixed(before, caller.user)
      })
    },
    'retention.run': async (params, caller) => {
      parseNothing(params ?? {}, 'retention.run')
      authority.demand(caller, need('update'))
      return { removed: await retention.runNow() }
    },
  }
}

function refuseUnkept(rule: Rule): void {
  if (rule.dataType === 'MEASUREMENT' && !isGeneral(rule))
    throw new Invalid('readings that wait for the hub are kept together, whatever their type and source', {
      cure: 'Leave fragmentType, type and source at *.',
    })
}
