import { all, type Permissions } from './permission.ts'

interface Role {
  /** `[A-Za-z0-9._-]{1,64}`; the same in commands, tokens and introspection replies. */
  readonly name: string
  readonly description: string
  readonly permissions: Permissions
}

export const admin = 'Admin'

const whole = ['READ', 'CREATE', 'UPDATE', 'ADMIN'] as const
const own: Permissions = { OwnUser: ['READ', 'UPDATE'] }

/** There on every box; they cannot be changed. */
export const predefinedRoles: readonly Role[] = [
  { name: admin, description: 'Everything.', permissions: all },
  {
    name: 'UserManager',
    description: 'Users, their roles and sessions; grants nothing that it does not have.',
    permissions: { ...own, Users: whole, Sessions: whole },
  },
  {
    name: 'ConfigManager',
    description: 'Options, retention, single sign-on and the identity of the box.',
    permissions: {
      ...own,
      Options: whole,
      Retention: whole,
      SingleSignOn: whole,
      Identity: whole,
      DeviceControl: whole,
      Alarms: whole,
    },
  },
  {
    name: 'AppAdmin',
    description: 'Apps, their credentials and what they store.',
    permissions: { ...own, Applications: whole, TokenStore: whole, Alarms: ['READ'] },
  },
  {
    name: 'Operator',
    description: 'Sees the box and its alarms, and acknowledges them.',
    permissions: {
      ...own,
      Alarms: ['READ', 'UPDATE'],
      Applications: ['READ'],
      DeviceControl: ['READ'],
      Identity: ['READ'],
    },
  },
  {
    name: 'Viewer',
    description: 'Sees the box and its alarms.',
    permissions: {
      ...own,
      Alarms: ['READ'],
      Applications: ['READ'],
      DeviceControl: ['READ'],
      Identity: ['READ'],
    },
  },
]
