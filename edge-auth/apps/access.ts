import { Invalid } from '../../core/errors.ts'
import type { App } from '../store/index.ts'

/** What an app may do with the platform's data; the scopes of its own tokens. API. */
export const scopes = [
  'assets:read',
  'assets:write',
  'events:read',
  'events:write',
  'files:read',
  'files:write',
  'timeseries:read',
  'timeseries:write',
] as const
export type Scope = (typeof scopes)[number]

/** What its measurements on this box need: POST /api/v1/readings, and topics that are bound to data points. */
export const writeTimeSeries: Scope = 'timeseries:write'

const profiles: Readonly<Record<Exclude<App['access'], 'custom'>, readonly string[]>> = {
  read_write: scopes,
  limited: scopes.filter((scope) => scope !== writeTimeSeries),
}

export const scopesOf = ({ access, scopes }: Pick<App, 'access' | 'scopes'>): readonly string[] =>
  access === 'custom' ? scopes : profiles[access]

/** What an app may on the broker, and with its measurements. */
export interface AppRights {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
  readonly writesTimeSeries: boolean
  readonly quota: App['quota']
}

export const rightsOf = (app: App | undefined): AppRights | undefined =>
  app?.enabled
    ? { ...app.topics, quota: app.quota, writesTimeSeries: scopesOf(app).includes(writeTimeSeries) }
    : undefined

/** All that a token of the app may say. */
export const allScopesOf = (app: Pick<App, 'access' | 'scopes' | 'grants'>): readonly string[] => [
  ...app.grants,
  ...scopesOf(app),
]

export function refuseUnknownScopes(asked: readonly string[]): void {
  const unknown = asked.filter((scope) => !(scopes as readonly string[]).includes(scope))
  if (unknown.length > 0)
    throw new Invalid(`there is no scope ${unknown.join(', ')}`, { cure: `Scopes are ${scopes.join(', ')}.` })
}

/** MQTT filters by which an administrator opens topics of others; none of the broker's own. */
export function refuseBadFilters(filters: readonly string[]): void {
  const bad = filters.filter((filter) => !isFilter(filter))
  if (bad.length > 0)
    throw new Invalid(`${bad.map((filter) => JSON.stringify(filter)).join(', ')} is no topic filter`, {
      cure: 'For example plant/line-1/# or apps/other/+/state.',
    })
}

/** `+` and `#` stand alone in their level, and `#` in the last. */
function isFilter(filter: string): boolean {
  if (filter === '' || filter.startsWith('$') || filter.includes('\0')) return false
  const levels = filter.split('/')
  return levels.every((level, at) => {
    if (level === '#') return at === levels.length - 1 && at > 0
    return level === '+' || !/[+#]/.test(level)
  })
}
