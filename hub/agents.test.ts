import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { systemClock as clock } from '../core/clock.ts'
import { systemRandom as random } from '../core/random.ts'
import { createAddresses } from './addresses.ts'
import { createAgents } from './agents.ts'
import { openRegistry } from './registry/index.ts'
import { openTokens } from './tokens/index.ts'

test('a removal that was cut after its first half is finished at the next start', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-agents-'))
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => rm(dir, { recursive: true }))
  const registry = cleanup.use(await openRegistry(dir))
  await registry.call('addTenant', 'demo', { clientId: 'c', tenant: 'demo', secretHash: Buffer.alloc(32) }, 0)

  const told: string[] = []
  const removed: string[] = []
  let isDiskGone = true
  const agents = createAgents(
    {
      registry,
      tokens: await openTokens({ registry, clock, random }, { tokenLifetimeMs: 1000 }),
      addresses: createAddresses({ http: '127.0.0.1:1', mqtt: '127.0.0.1:2' }),
      connections: { announceConfiguration: () => {}, disconnect: (_tenant, id) => void told.push(id) },
      async removeUploads(id) {
        if (isDiskGone) throw new Error('disk gone')
        removed.push(id)
      },
      clock,
      random,
      log: pino({ level: 'silent' }),
    },
    { iatLifetimeMs: 1000, agentsPerTenant: 10 },
  )
  const agent = await agents.create({ tenant: 'demo', name: 'a', securityProfile: 'RSA_3072' })
  await expect(agents.remove(agent)).rejects.toThrow('disk gone')
  expect(told).toEqual([agent.id])
  isDiskGone = false
  await agents.finishRemovals()
  await agents.finishRemovals()
  expect(removed).toEqual([agent.id])
})
