import Type from 'typebox'
import { logLevels } from '../../../core/log.ts'
import type { AdminRoute } from './route-table.ts'

const Level = Type.Enum([...logLevels])
const Levels = Type.Object({
  level: Level,
  configured: Level,
  modules: Type.Array(Type.String()),
  set: Type.Array(
    Type.Object({ module: Type.Optional(Type.String()), level: Level, leftMs: Type.Integer() }),
  ),
})
const strict = { additionalProperties: false }
const Module = Type.Optional(Type.String({ minLength: 1, maxLength: 64 }))
const path = '/log/level'

export const logRoutes: readonly AdminRoute[] = [
  {
    id: 'getLogLevel',
    method: 'GET',
    path,
    needs: { category: 'DeviceControl', act: 'read' },
    answer: Levels,
    operation: 'log.level',
    summary: 'What is logged now, and what was set for a while',
  },
  {
    id: 'setLogLevel',
    method: 'PUT',
    path,
    needs: { category: 'DeviceControl', act: 'update' },
    body: Type.Object(
      {
        level: Level,
        module: Module,
        forMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 86_400_000 })),
      },
      strict,
    ),
    answer: Levels,
    operation: 'log.setLevel',
    summary: 'Log more or less for a while (15 minutes unless told), all of it or one module',
    example: { body: { level: 'debug', module: 'agent', forMs: 600_000 } },
  },
  {
    id: 'resetLogLevel',
    method: 'DELETE',
    path,
    needs: { category: 'DeviceControl', act: 'update' },
    query: Type.Object({ module: Module }, strict),
    answer: Levels,
    operation: 'log.resetLevel',
    summary: 'Log as the configuration says again, all of it or one module',
  },
]
