import Type from 'typebox'
import { auditCategories } from '../../audit/catalogue.ts'
import { CustomEntry } from '../../audit/operations.ts'
import type { AdminRoute } from './route-table.ts'

const Query = Type.Object(
  {
    user: Type.Optional(Type.String()),
    type: Type.Optional(Type.String()),
    category: Type.Optional(Type.Enum([...auditCategories])),
    since: Type.Optional(Type.String({ pattern: '^\\d{1,15}$', description: 'Epoch milliseconds.' })),
    until: Type.Optional(Type.String({ pattern: '^\\d{1,15}$', description: 'Not any more.' })),
    before: Type.Optional(
      Type.String({ pattern: '^\\d{1,15}$', description: 'The `next` of the page before.' }),
    ),
  },
  { additionalProperties: false },
)
const Page = Type.Object({
  entries: Type.Array(
    Type.Object(
      { id: Type.Number(), type: Type.String(), category: Type.String(), action: Type.String() },
      { additionalProperties: true },
    ),
  ),
  next: Type.Optional(Type.Number()),
})

export const auditRoutes: readonly AdminRoute[] = [
  {
    id: 'listAudit',
    method: 'GET',
    path: '/audit',
    needs: { category: 'Audits', act: 'read' },
    query: Query,
    answer: Page,
    operation: 'audit.list',
    input: ({ query: { since, until, before, ...query } }) => ({
      ...query,
      ...(since && { since: Number(since) }),
      ...(until && { until: Number(until) }),
      ...(before && { before: Number(before) }),
    }),
    summary: 'What has happened, the newest first',
  },
  {
    id: 'addAuditEntry',
    method: 'POST',
    path: '/audit',
    needs: { category: 'Audits', act: 'admin' },
    body: CustomEntry,
    answer: Type.Object({ type: Type.String(), deviceTime: Type.Number() }, { additionalProperties: true }),
    created: true,
    operation: 'audit.add',
    summary: 'Add an entry of the type `custom`',
    example: { body: { text: 'inspected' } },
  },
  {
    id: 'verifyAudit',
    method: 'GET',
    path: '/audit/verification',
    needs: { category: 'Audits', act: 'read' },
    query: Type.Object(
      {
        head: Type.Optional(
          Type.String({ pattern: '^\\d{1,15}:[0-9A-Fa-f]{64}$', description: 'Seen before, as `id:hash`.' }),
        ),
      },
      { additionalProperties: false },
    ),
    answer: Type.Object({ isGood: Type.Boolean() }, { additionalProperties: true }),
    operation: 'audit.verify',
    input: ({ query: { head } }) => {
      const [id, hash] = (head ?? '').split(':')
      return head === undefined ? {} : { head: { id: Number(id), hash } }
    },
    summary: 'Whether the chain of the audit is whole',
  },
]
