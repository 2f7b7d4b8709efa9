import { join } from 'node:path'
import Type from 'typebox'
import { agentDatabases, membershipIn } from './agent/index.ts'
import { type StateKind, snapshotRunning } from './backup/index.ts'
import type { Clock } from './core/clock.ts'
import type { Operation } from './core/control.ts'
import { Forbidden } from './core/errors.ts'
import type { Logger } from './core/log.ts'
import type { Random } from './core/random.ts'
import { parser } from './core/schema.ts'
import { boxIdIn, edgeAuthDatabases, prepareRestored } from './edge-auth/index.ts'

/** What the modules of a gateway keep in its state directory, for those who copy it and put it back. */
export const gatewayState = ({ log, random }: { log: Logger; random: Random }): StateKind => ({
  role: 'gateway',
  databases: [...edgeAuthDatabases, ...agentDatabases.map((each) => ({ ...each, onDemand: true as const }))],
  plain: [
    ...['kv.key', 'identity', 'configuration', 'pki', 'sources', 'commands'],
    ...['alarms.json', 'events.json', 'time.json'],
  ],
  identity: ['identity', 'configuration', 'pki'],
  running: ['outbox.db', 'sources', 'commands', 'alarms.json', 'events.json', 'time.json'],
  async whose(dir) {
    const boxId = boxIdIn(dir)
    const agent = await membershipIn({ log }, { dir: join(dir, 'identity') })
    return { ...(boxId === undefined ? {} : { boxId }), ...(agent ? { agent } : {}) }
  },
  prepare: (dir, change) => prepareRestored({ random }, dir, change),
})

const SnapshotWish = Type.Object({ withOnDemand: Type.Optional(Type.Boolean()) })
const parseWish = parser(SnapshotWish)

export interface SnapshotDeps {
  clock: Clock
  random: Random
  copyOwned?: { readonly [database: string]: (to: string) => Promise<void> }
}

/** `state.snapshot`: a copy in a folder of its own, which whoever asked removes; for the holder of the machine alone. */
export const snapshotOperation =
  (deps: SnapshotDeps, kind: StateKind, stateDir: string): Operation =>
  async (params, { user }) => {
    if (user !== undefined) throw new Forbidden('a copy of the state is for the holder of the machine')
    return { dir: await snapshotRunning(deps, kind, stateDir, parseWish(params ?? {}, '')) }
  }
