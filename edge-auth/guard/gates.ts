import { Conflict, Invalid, NotFound } from '../../core/errors.ts'
import type { Apps } from '../apps/apps.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/index.ts'
import { fold, type Gate } from './rules.ts'

/** The gates of the apps, in memory as on disk; a gate goes with its app. */
export interface Gates {
  all(): Gate[]
  find(clientId: string): Gate | undefined
  /** Client ids of those that ask for the role somewhere. */
  asking(role: string): string[]
  /**
   * `change` gets what is there and gives what is to be. Throws `NotFound` for an unknown app, `Conflict`
   * for a path that another app has.
   */
  set(clientId: string, change: (before: Gate | undefined) => Gate): Promise<Gate>
  remove(clientId: string): Promise<void>
}

export interface GatesDeps {
  store: Store
  audit: Pick<Audit, 'gateChanged'>
  apps: Pick<Apps, 'list' | 'onChange'>
}

export function createGates({ store, audit, apps }: GatesDeps): Gates {
  const gates = new Map(store.contents.gates.map((gate) => [gate.clientId, gate]))
  const isApp = (clientId: string): boolean => apps.list().some((app) => app.clientId === clientId)
  apps.onChange((clientId) => {
    if (!isApp(clientId)) gates.delete(clientId) // on disk it went with the app
  })

  return {
    all: () => [...gates.values()].sort((a, b) => (a.clientId < b.clientId ? -1 : 1)),
    find: (clientId) => gates.get(clientId),
    asking: (role) =>
      [...gates.values()]
        .filter((gate) => [gate, ...gate.rules].some(({ roles }) => roles.includes(role)))
        .map(({ clientId }) => clientId),
    set: (clientId, change) =>
      store.change(async (disk) => {
        if (!isApp(clientId)) throw new NotFound(`there is no app ${clientId}`)
        const gate = change(gates.get(clientId))
        for (const other of gates.values())
          if (other.clientId !== clientId && fold(other.path) === fold(gate.path))
            throw new Conflict(`${other.path} is the path of ${other.clientId}`)
        refuseReserved(gate.path)
        await disk.call('putGate', [audit.gateChanged(clientId, gate)], gate)
        gates.set(clientId, gate)
        return gate
      }),
    remove: (clientId) =>
      store.change(async (disk) => {
        if (!gates.has(clientId)) throw new NotFound(`the guard knows no app ${clientId}`)
        await disk.call('removeGate', [audit.gateChanged(clientId, undefined)], clientId)
        gates.delete(clientId)
      }),
  }
}

/** What the proxy serves from edgeward itself. */
const reserved = ['/device/', '/.well-known/', '/edgeward-']

function refuseReserved(path: string): void {
  if (reserved.some((own) => fold(path).startsWith(own)))
    throw new Invalid(`${path} belongs to edgeward`, { cure: 'Choose another path, e.g. /press/.' })
}
