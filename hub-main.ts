import type { StateKind } from './backup/index.ts'
import { claim } from './claim.ts'
import type { Config } from './config.ts'
import { hubConfig } from './config-slices.ts'
import { controlSocket } from './core/control.ts'
import { serveControl } from './core/control-server.ts'
import { diskProbe } from './core/disk-probe.ts'
import { createDiskSpace } from './core/disk-space.ts'
import { lifeFaults } from './core/life-faults.ts'
import { createLogLevel, toLog } from './core/log-level.ts'
import { createProofOfLife } from './core/proof-of-life.ts'
import { runTasks, watching } from './core/tasks.ts'
import { createVitals } from './core/vitals.ts'
import { hubDatabases, openHub } from './hub/index.ts'
import { common, logOperations, type Places, type Service, type ServiceDeps } from './service.ts'
import { snapshotOperation } from './stores.ts'

/** What a hub keeps: whoever it speaks for is in its registry, and nothing ties it to a machine. */
export const hubState: StateKind = {
  role: 'hub',
  databases: hubDatabases,
  plain: [],
  identity: [],
  running: [],
  whose: async () => ({}),
  prepare: () => {},
}

/** Introduces the parts of a hub to each other: main.ts. */
export async function composeHub(config: Config, places: Places, deps: ServiceDeps): Promise<Service> {
  await using held = new AsyncDisposableStack()
  const { clock, random, log, modules, module } = common(deps)
  await claim(places, { clock, log }, held)
  const logLevel = held.use(createLogLevel({ log, modules, clock, told: toLog(log) }))
  const vitals = held.use(createVitals({ clock }))
  const disk = createDiskSpace(
    { clock },
    { dir: places.stateDir, stores: ['readings', 'registry', 'uploads'], prefix: 'edgeward_hub' },
  )
  const box = {
    gauges: () => [...vitals.gauges(), ...disk.gauges()],
    faults: () => [...vitals.faults(), ...lifeFaults(life)],
  }
  const hub = held.use(
    await openHub({ clock, random, log: module('hub'), box }, await hubConfig(config, places)),
  )
  const life = createProofOfLife(
    { clock, log },
    { probes: [...hub.probes, diskProbe({ dir: places.stateDir, commits: ['readings.db-wal'] })] },
  )
  const all = held.move()
  return {
    operations: hub.operations,
    life,
    summary: async () => 'serves',
    async serve(signal, ready) {
      const addresses = await hub.listen()
      const running = {
        ...hub.operations,
        ...logOperations(deps, logLevel.operations),
        'state.snapshot': snapshotOperation({ clock, random }, hubState, places.stateDir),
      }
      await using _control = await serveControl(controlSocket(places), running, module('control'))
      ready(addresses)
      log.info(addresses, 'hub serves')
      await runTasks(signal, life.run, vitals.run, disk.run, watching(hub.died))
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
