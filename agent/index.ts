import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { Operations } from '../core/control.ts'
import type { Http } from '../core/http-client.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { RetryPolicy } from '../core/retry.ts'
import { runTasks, watching } from '../core/tasks.ts'
import { openConfiguration } from './configuration/index.ts'
import { IdentityUnreadable } from './errors.ts'
import { type Identity, type IdentityConfig, type IdentityDeps, openIdentity } from './identity.ts'
import { type OutboxConfig, openOutbox } from './outbox/index.ts'
import { createSources, readInventory } from './sources/index.ts'
import { unreadableIdentity } from './unreadable-identity.ts'
import { createUplink } from './uplink/index.ts'

export type { IdentityStatus } from './identity.ts'
export type { OutboxStats } from './outbox/index.ts'
export type { Inventory, SourceStatus } from './sources/index.ts'
export type { UplinkStatus } from './uplink/index.ts'

export interface AgentConfig {
  /** The agent owns `identity/`, `configuration/` and `outbox.db` in it. */
  stateDir: string
  /** Towards the hub's REST listener. */
  retry: RetryPolicy
  uplink: {
    /** Batches sent and not yet acknowledged. */
    window: number
    ackTimeoutMs: number
    retry: RetryPolicy
    /** PEM file of a further authority to trust. */
    caFile?: string
  }
  outbox: Omit<OutboxConfig, 'path'>
  sources: { minIntervalMs: number }
}

export interface AgentDeps {
  http: Http
  clock: Clock
  random: Random
  log: Logger
}

/** Identity in the cloud, and the way of a reading from its source to the hub. */
export interface Agent extends AsyncDisposable {
  /** `identity.*` and `agent.status`. */
  readonly operations: Operations
  /**
   * A message on the local broker. Undefined when no data point is bound to the topic; otherwise a
   * promise that resolves when its readings are on disk.
   */
  offer(topic: string, payload: Buffer): Promise<void> | undefined
  /** Until aborted; rejects when the outbox can no longer keep readings. */
  run(signal: AbortSignal): Promise<void>
}

export async function openAgent(deps: AgentDeps, config: AgentConfig): Promise<Agent> {
  const { clock, random, log } = deps
  const { stateDir, retry } = config
  await using opened = new AsyncDisposableStack()
  const identity = opened.use(await openIdentityOrFault(deps, { dir: join(stateDir, 'identity'), retry }))
  const outbox = opened.use(
    await openOutbox({ clock, random, log }, { ...config.outbox, path: join(stateDir, 'outbox.db') }),
  )
  const store = outbox.append
  const sources = createSources({ store, clock, random, log }, config.sources)
  const configuration = await openConfiguration(
    { ...deps, identity, apply: sources.apply },
    { dir: join(stateDir, 'configuration'), retry },
  )
  const uplink = createUplink(
    { identity, outbox, clock, random, log, onConfiguration: configuration.announced },
    config.uplink,
  )

  const held = opened.move()
  return {
    operations: {
      ...identity.operations,
      'agent.status': async () => ({
        identity: identity.status(),
        uplink: uplink.status(),
        outbox: await outbox.stats(),
        sources: sources.status(),
        configuration: configuration.status(),
      }),
      'agent.inventory': () => readInventory(),
    },
    offer: (topic, payload) => sources.offer(topic, payload),
    run: (signal) =>
      runTasks(
        signal,
        (both) => identity.run(both),
        (both) => configuration.run(both),
        (both) => sources.run(both),
        (both) => uplink.run(both),
        watching(outbox.died),
      ),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** A damaged identity stops neither collection nor anything else on the box. */
async function openIdentityOrFault(deps: IdentityDeps, config: IdentityConfig): Promise<Identity> {
  try {
    return await openIdentity(deps, config)
  } catch (error) {
    if (!(error instanceof IdentityUnreadable)) throw error
    deps.log.error({ code: error.code, reason: error.message, cure: error.cure }, 'identity not usable')
    return unreadableIdentity(error)
  }
}
