import type { Apps, Client, ListedApp } from './apps.ts'

/** Apps by the Authorization header that has proven them: the same one comes with every question. */
export interface Remembered {
  /** Undefined when not known, or when anything about the app has changed since. */
  get(authorization: string): Client | undefined
  add(authorization: string, client: Client): void
}

/** More than the apps of one box; a full memory is emptied. */
const maxRemembered = 256

export function createRemembered(apps: Apps): Remembered {
  const known = new Map<string, { client: Client; listed: ListedApp | undefined }>()
  return {
    get(authorization) {
      const found = known.get(authorization)
      if (!found) return undefined
      const { app, version } = found.client
      const isGood = apps.byCredential(app.clientId, version.credentialId) !== undefined
      if (apps.find(app.clientId) === found.listed && isGood) return found.client
      known.delete(authorization)
      return undefined
    },
    add(authorization, client) {
      if (known.size >= maxRemembered) known.clear()
      known.set(authorization, { client, listed: apps.find(client.app.clientId) })
    },
  }
}
