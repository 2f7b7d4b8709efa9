import type { Agent } from './agent/index.ts'
import type { Clock } from './core/clock.ts'
import { type Operations, run } from './core/control.ts'
import { diskProbe } from './core/disk-probe.ts'
import { fallenBack, fallenBackFile } from './core/fallen-back.ts'
import type { Logger } from './core/log.ts'
import { createProofOfLife, type ProofOfLife } from './core/proof-of-life.ts'
import type { EdgeAuth } from './edge-auth/index.ts'
import type { Places } from './service.ts'

interface GatewayLifeDeps {
  clock: Clock
  log: Logger
  auth: Pick<EdgeAuth, 'auditHead'>
  operations: Operations
}

/** Each thread answers a question that costs it nothing, and the disk takes what is written. */
export const gatewayLife = (
  { clock, log, auth, operations }: GatewayLifeDeps,
  { stateDir }: Places,
): ProofOfLife =>
  createProofOfLife(
    { clock, log },
    {
      probes: [
        { name: 'the store of users and audit', ask: auth.auditHead },
        { name: 'the store of private tokens', ask: () => run(operations, 'kv.quota', {}) },
        { name: 'the outbox', ask: () => run(operations, 'agent.gaps', { limit: 1 }) },
        diskProbe({ dir: stateDir, commits: ['auth.db-wal', 'kv.db-wal', 'outbox.db-wal'] }),
      ],
    },
  )

interface GatewayStatus {
  identity: { state: string }
  uplink: { state: string }
  alarms: readonly unknown[]
}

/** For `systemctl status`. */
export async function gatewaySummary(operations: Operations): Promise<string> {
  const { identity, uplink, alarms } = (await run(operations, 'agent.status', {})) as GatewayStatus
  return `serves; identity ${identity.state}; uplink ${uplink.state}; alarms ${alarms.length}`
}

/** Once a start is enough: a release is given up before one. */
export async function tellOfFallingBack({ alarms }: Agent, { stateDir }: Places): Promise<void> {
  const said = await fallenBack(fallenBackFile(stateDir))
  if (said === undefined) alarms.clear('release_fallen_back')
  else alarms.raise('release_fallen_back', said)
}
