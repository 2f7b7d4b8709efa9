import Type from 'typebox'
import type { AdminRoute } from './route-table.ts'

const open = { additionalProperties: true }
const Part = Type.Object({ state: Type.String() }, open)

export const statusRoutes: readonly AdminRoute[] = [
  {
    id: 'getStatus',
    method: 'GET',
    path: '/status',
    needs: { category: 'Identity', act: 'read' },
    answer: Type.Object(
      {
        identity: Part,
        uplink: Part,
        outbox: Type.Object({}, open),
        sources: Type.Array(Type.Object({ name: Type.String(), state: Type.String() }, open)),
        alarms: Type.Array(
          Type.Object({ code: Type.String(), message: Type.String(), raisedAt: Type.Number() }, open),
        ),
        time: Part,
      },
      open,
    ),
    operation: 'agent.status',
    summary: 'How the box does: identity, uplink, outbox, sources, alarms, time',
  },
]
