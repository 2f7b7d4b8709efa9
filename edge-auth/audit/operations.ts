import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import type { Store } from '../store/index.ts'
import type { Audit } from './audit.ts'
import { auditCategories, describeEntry, typesOf } from './catalogue.ts'
import { verifyAudit } from './verification.ts'

const pageSize = 100
const strict = { additionalProperties: false }

const parseList = parser(
  Type.Object(
    {
      user: Type.Optional(Type.String()),
      type: Type.Optional(Type.String()),
      category: Type.Optional(Type.Enum([...auditCategories])),
      since: Type.Optional(Type.Integer({ description: 'epoch milliseconds, by the clock of the box' })),
      until: Type.Optional(Type.Integer()),
      before: Type.Optional(Type.Integer({ description: 'the `next` of the page before' })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: pageSize })),
    },
    strict,
  ),
)
/** What an administrator or a program of his adds. */
export const CustomEntry = Type.Object(
  {
    text: Type.String({ minLength: 1, maxLength: 1_000 }),
    user: Type.Optional(Type.String({ maxLength: 128 })),
    detail: Type.Optional(
      Type.Record(Type.String({ maxLength: 64 }), Type.String({ maxLength: 1_000 }), { maxProperties: 16 }),
    ),
  },
  strict,
)
const parseAdd = parser(CustomEntry)
const parseVerify = parser(
  Type.Object(
    {
      head: Type.Optional(
        Type.Object(
          { id: Type.Integer({ minimum: 1 }), hash: Type.String({ pattern: '^[0-9A-Fa-f]{64}$' }) },
          strict,
        ),
      ),
    },
    strict,
  ),
)

export type AuditOperationsDeps = {
  store: Pick<Store, 'change' | 'listAudit' | 'verifyAudit' | 'auditHead'>
  audit: Pick<Audit, 'flush' | 'custom'>
}

/** Newest first; `next` is there while there is more. */
export function auditOperations({ store, audit }: AuditOperationsDeps): Operations {
  return {
    'audit.list': async (params) => {
      const { limit = pageSize, category, ...query } = parseList(params ?? {}, 'audit.list')
      await audit.flush()
      const types = category === undefined ? {} : { types: typesOf(category) }
      const found = await store.listAudit({ ...query, ...types, limit: limit + 1 })
      const entries = found.slice(0, limit).map((entry) => ({ ...entry, ...describeEntry(entry) }))
      const next = found.length > limit ? entries.at(-1)?.id : undefined
      return { entries, ...(next === undefined ? {} : { next }) }
    },
    'audit.add': async (params) => {
      const entry = audit.custom(parseAdd(params, 'audit.add'))
      await store.change((disk) => disk.call('noteEvents', [entry]))
      return { ...entry, ...describeEntry(entry) }
    },
    'audit.verify': async (params) => {
      const { head } = parseVerify(params ?? {}, 'audit.verify')
      await audit.flush()
      return verifyAudit(store, head)
    },
  }
}
