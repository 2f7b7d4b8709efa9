import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadConfig } from '../config.ts'
import { hubLimits } from '../config-slices.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { Operations } from '../core/control.ts'
import { run } from '../core/control.ts'
import type { Logger } from '../core/log.ts'
import { systemRandom } from '../core/random.ts'
import { openHub } from '../hub/index.ts'
import type { BoardingConfiguration, SecurityProfile } from '../protocol/boarding.ts'

const hour = 3_600_000
export const silent = pino({ level: 'silent' })
/** For an identity on its own: it has no data that would have to be set aside. */
export const nothingToArchive = async () => ({ directory: '', readings: 0 })

/** The real hub on free ports of this process, with a tenant and its state in a temporary directory. */
export interface HubInProcess extends AsyncDisposable {
  readonly http: string
  readonly operations: Operations
  createAgent(
    name: string,
    profile: SecurityProfile,
  ): Promise<{ id: string; boarding: BoardingConfiguration }>
  /** One of the hub's operations, by name. */
  /** The boarding configuration of an agent, anew. */
  boarding(id: string): Promise<BoardingConfiguration>
  ask<T = unknown>(operation: string, params: object): Promise<T>
}

export async function hubInProcess({
  clock = systemClock,
  ratPolicy = 'lenient',
  log = silent,
}: {
  clock?: Clock
  ratPolicy?: 'lenient' | 'strict'
  log?: Logger
} = {}): Promise<HubInProcess> {
  await using opened = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-hub-'))
  opened.defer(() => rm(dir, { recursive: true, force: true }))
  const hub = opened.use(
    await openHub(
      { clock, random: systemRandom, log },
      {
        dir,
        http: '127.0.0.1:0',
        mqtt: '127.0.0.1:0',
        iatLifetimeMs: 168 * hour,
        credentialLifetimeMs: 168 * hour,
        tokenLifetimeMs: hour,
        ratPolicy,
        limits: hubLimits(loadConfig({ env: {} }).hub),
      },
    ),
  )
  const { http } = await hub.listen()
  const ask = async <T>(operation: string, params: object) =>
    (await run(hub.operations, operation, params)) as T
  await ask('init', {})
  const held = opened.move()
  return {
    http,
    operations: hub.operations,
    ask,
    boarding: async (id) =>
      (await ask<{ boarding: BoardingConfiguration }>('agent.boarding', { id })).boarding,
    createAgent: (name, profile) => ask('agent.create', { name, profile }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
