import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import type { Store } from '../store/index.ts'
import type { Audit } from './audit.ts'

const pageSize = 100

const parseList = parser(
  Type.Object(
    {
      user: Type.Optional(Type.String()),
      type: Type.Optional(Type.String()),
      since: Type.Optional(Type.Integer({ description: 'epoch milliseconds, by the clock of the box' })),
      until: Type.Optional(Type.Integer()),
      before: Type.Optional(Type.Integer({ description: 'the `next` of the page before' })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: pageSize })),
    },
    { additionalProperties: false },
  ),
)

/** Newest first; `next` is there while there is more. */
export function auditOperations(store: Pick<Store, 'listAudit'>, audit: Pick<Audit, 'flush'>): Operations {
  return {
    'audit.list': async (params) => {
      const { limit = pageSize, ...query } = parseList(params ?? {}, 'audit.list')
      await audit.flush()
      const found = await store.listAudit({ ...query, limit: limit + 1 })
      const entries = found.slice(0, limit)
      const next = found.length > limit ? entries.at(-1)?.id : undefined
      return { entries, ...(next === undefined ? {} : { next }) }
    },
  }
}
