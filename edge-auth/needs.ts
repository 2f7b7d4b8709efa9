import type { Act, Need } from './permissions/index.ts'

const applications = (act: Act): Need => ({ category: 'Applications', act })

/** What of the box itself the administration shows and changes. */
export const boxNeeds = {
  'agent.status': { category: 'Identity', act: 'read' },
  'log.level': { category: 'DeviceControl', act: 'read' },
  'log.setLevel': { category: 'DeviceControl', act: 'update' },
  'log.resetLevel': { category: 'DeviceControl', act: 'update' },
} as const

export const sessionNeeds = {
  'session.list': { category: 'Sessions', act: 'read' },
  /** All of them at once is a matter of the users' administration. */
  'session.end': (params: unknown): Need =>
    (params as { all?: unknown } | undefined)?.all === undefined
      ? { category: 'Sessions', act: 'delete' }
      : { category: 'Users', act: 'admin' },
} as const

export const guardNeeds = {
  'app.set': applications('update'),
  'app.unset': applications('update'),
  'guard.list': applications('read'),
  'proxy.config': applications('read'),
}

export const hubLinkNeeds = {
  'app.linkHub': applications('update'),
  'app.unlinkHub': applications('update'),
}

export const keyNeeds = { 'auth.rotateKeys': { category: 'Options', act: 'admin' } } as const
export const auditNeeds = {
  'audit.list': { category: 'Audits', act: 'read' },
  'audit.verify': { category: 'Audits', act: 'read' },
  'audit.add': { category: 'Audits', act: 'admin' },
} as const
