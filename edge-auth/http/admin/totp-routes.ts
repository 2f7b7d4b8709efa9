import Type from 'typebox'
import { LoginSettings, LoginSettingsChange } from '../../options/login-settings.ts'
import { Name } from '../../users/members.ts'
import type { AdminRoute } from './route-table.ts'

const Factor = Type.Object({
  user: Type.String(),
  createdAt: Type.Number(),
  recoveryCodesLeft: Type.Integer(),
})

/** Second factors of the users, and how one signs in. */
export const totpRoutes: readonly AdminRoute[] = [
  {
    ...{ id: 'listSecondFactors', method: 'GET', path: '/second-factors', answer: Type.Array(Factor) },
    ...{ needs: { category: 'Users', act: 'read' }, owned: true, operation: 'totp.list' },
    summary: 'Who has set up a second factor; never the secret',
  },
  {
    ...{ id: 'revokeSecondFactor', method: 'DELETE', path: '/users/:name/second-factor' },
    // Who has made the user, or has ADMIN: the operation tells them apart.
    ...{ needs: { category: 'Users', act: 'create' }, operation: 'totp.revoke' },
    params: Type.Object({ name: Name }),
    summary: 'Take away the second factor of a user; all his sessions end',
    example: { params: { name: 'example' } },
  },
  {
    ...{ id: 'getLoginSettings', method: 'GET', path: '/login-settings', answer: LoginSettings },
    ...{ needs: { category: 'Options', act: 'read' }, operation: 'login.settings' },
    summary: 'How one signs in: modes, Basic and second factors',
  },
  {
    ...{ id: 'changeLoginSettings', method: 'PATCH', path: '/login-settings', body: LoginSettingsChange },
    ...{ needs: { category: 'Options', act: 'update' }, owned: true, operation: 'login.set' },
    summary: 'Change how one signs in; another mode signs out who asks for it',
    example: { body: { basicBrowsers: 'forbidden' } },
  },
]
