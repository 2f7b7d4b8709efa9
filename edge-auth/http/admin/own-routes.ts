import Type from 'typebox'
import { Password, ProfileChange } from '../../users/members.ts'
import type { AdminRoute } from './route-table.ts'
import { DeniedRequest, OwnAccount, Session } from './user-schemas.ts'

const strict = { additionalProperties: false }
const own = (act: 'read' | 'update') => ({ category: 'OwnUser', act }) as const
const Ended = Type.Object({ ended: Type.Integer() })
const Passwords = Type.Object({ oldPassword: Password, newPassword: Password }, strict)

/** What a person does with the own account. */
export const ownRoutes: readonly AdminRoute[] = [
  {
    ...{ id: 'getOwnAccount', method: 'GET', path: '/me', needs: own('read'), answer: OwnAccount },
    ...{ revisioned: true, operation: 'own.show', summary: 'The own account' },
  },
  {
    ...{ id: 'changeOwnAccount', method: 'PATCH', path: '/me', needs: own('update') },
    ...{ body: Type.Object({ profile: ProfileChange }, strict), answer: OwnAccount, revisioned: true },
    ...{ operation: 'own.set', summary: 'Change the own profile' },
    example: { body: { profile: { firstName: 'Example' } } },
  },
  {
    ...{ id: 'changeOwnPassword', method: 'PUT', path: '/me/password', needs: own('update') },
    ...{ body: Passwords, operation: 'own.password' },
    summary: 'Change the own password; all own sessions end',
    example: { body: { oldPassword: 'the old example', newPassword: 'the new example' } },
  },
  {
    ...{ id: 'listOwnSessions', method: 'GET', path: '/me/sessions', needs: own('read') },
    ...{ answer: Type.Array(Session), operation: 'own.sessions', summary: 'The own sessions' },
  },
  {
    ...{ id: 'endOwnSessions', method: 'DELETE', path: '/me/sessions', needs: own('update') },
    ...{ answer: Ended, operation: 'own.endSession', input: () => ({ all: true }) },
    summary: 'End all own sessions, this one too',
  },
  {
    ...{ id: 'endOwnSession', method: 'DELETE', path: '/me/sessions/:id', needs: own('update') },
    ...{ params: Type.Object({ id: Type.String() }), answer: Ended, operation: 'own.endSession' },
    ...{ summary: 'End one of the own sessions' },
    example: { params: { id: '00000000-0000-0000-0000-000000000000' } },
  },
  {
    ...{ id: 'listOwnDeniedRequests', method: 'GET', path: '/me/denied-requests', needs: own('read') },
    ...{ answer: Type.Array(DeniedRequest), operation: 'own.denied' },
    summary: 'What was refused to oneself since the daemon started, 100 at most, the newest first',
  },
]
