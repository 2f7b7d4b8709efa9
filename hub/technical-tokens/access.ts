import { Invalid } from '../../core/errors.ts'

/** What an app may do with the data of a tenant. Part of the command line and of every token's scope. */
export const permissions = [
  'agents:read',
  'agents:write',
  'assets:read',
  'assets:write',
  'events:read',
  'events:write',
  'files:read',
  'files:write',
  'timeseries:read',
  'timeseries:write',
] as const
export type Permission = (typeof permissions)[number]

export const accessProfiles = ['read-write', 'limited', 'custom'] as const
export type AccessProfile = (typeof accessProfiles)[number]

/** Whoever may change agents can take their place, so only an app that names it may. */
const readWrite = permissions.filter((permission) => permission !== 'agents:write')

const named: Readonly<Record<Exclude<AccessProfile, 'custom'>, readonly Permission[]>> = {
  'read-write': readWrite,
  /** Assets, files and events; time series and agents are only looked at. */
  limited: readWrite.filter((permission) => permission !== 'timeseries:write'),
}

/** Throws `Invalid` for a list beside a profile that has one, and for what is no permission. */
export function permissionsOf(profile: AccessProfile, listed: readonly string[]): readonly Permission[] {
  if (profile !== 'custom') {
    if (listed.length > 0) throw new Invalid(`the access ${profile} has its permissions: none can be listed`)
    return named[profile]
  }
  const unknown = listed.filter((one) => !permissions.some((known) => known === one))
  if (unknown.length > 0)
    throw new Invalid(`there is no permission ${unknown.join(', ')}`, {
      cure: `Permissions are ${permissions.join(', ')}.`,
    })
  return permissions.filter((one) => listed.includes(one))
}

/** What a list of permissions is called. */
export function profileOf(list: readonly string[]): AccessProfile {
  const fits = (known: readonly string[]) =>
    known.length === list.length && known.every((one) => list.includes(one))
  return fits(named['read-write']) ? 'read-write' : fits(named.limited) ? 'limited' : 'custom'
}
