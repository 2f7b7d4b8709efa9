import Type from 'typebox'
import type { AdminRoute } from './route-table.ts'

const Session = Type.Object({
  id: Type.String(),
  user: Type.String(),
  createdAt: Type.Number(),
  expiresAt: Type.Number(),
  address: Type.Union([Type.String(), Type.Null()]),
  userAgent: Type.Union([Type.String(), Type.Null()]),
})

export const sessionRoutes: readonly AdminRoute[] = [
  {
    id: 'listSessions',
    method: 'GET',
    path: '/sessions',
    needs: { category: 'Sessions', act: 'read' },
    query: Type.Object({ user: Type.Optional(Type.String()) }, { additionalProperties: false }),
    answer: Type.Array(Session),
    operation: 'session.list',
    summary: 'Open sessions',
  },
  {
    id: 'endSession',
    method: 'DELETE',
    path: '/sessions/:id',
    needs: { category: 'Sessions', act: 'delete' },
    params: Type.Object({ id: Type.String() }),
    operation: 'session.end',
    summary: 'End a session',
    example: { params: { id: '00000000-0000-0000-0000-000000000000' } },
  },
]
