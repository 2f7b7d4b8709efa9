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
      return sessions.list(user).map(({ jti: _, ...shown }) => shown)
    },
    'session.end': async (params) => {
      const choice = parseEnd(params, 'session.end')
      if ('user' in choice) users.get(choice.user)
      const ended = await sessions.end(choice, 'ended_by_administrator')
      if ('id' in choice && ended === 0) throw new NotFound(`there is no open session ${choice.id}`)
      return { ended }
    },
  }
}
