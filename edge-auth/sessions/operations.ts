import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { NotFound } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import type { Users } from '../users/users.ts'
import type { Sessions } from './sessions.ts'

const strict = { additionalProperties: false }
const parseList = parser(Type.Object({ user: Type.Optional(Type.String()) }, strict))
const parseEnd = parser(
  Type.Union([
    Type.Object({ id: Type.String() }, strict),
    Type.Object({ user: Type.String() }, strict),
    Type.Object({ all: Type.Literal(true) }, strict),
  ]),
)

export function sessionOperations(sessions: Sessions, users: Users): Operations {
  return {
    'session.list': async (params) => {
      const { user } = parseList(params ?? {}, 'session.list')
      return sessions.list(user)
    },
    'session.end': async (params) => {
      const choice = parseEnd(params, 'session.end')
      const reason = 'ended_by_administrator'
      if ('user' in choice) return { ended: await users.endSessions(choice.user, reason) }
      const ended = await sessions.end(choice, reason)
      if ('id' in choice && ended === 0) throw new NotFound(`there is no open session ${choice.id}`)
      return { ended }
    },
  }
}
