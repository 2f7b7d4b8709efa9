import { mkdir, writeFile } from 'node:fs/promises'
import { agentStatus, type Gateway, startGateway, tempDir } from '../test/harness.ts'
import type { Bench, Effort, Measured } from './bench.ts'
import { median, pause, rounded, until } from './measure.ts'
import { childrenOf, type Memory, memoryOf } from './process-tree.ts'
import { opcuaPoints, startOpcuaServer } from './sources.ts'

/** Two daemons beside each other; one of them has an OPC UA source, and with it the child that has the stack. */
export const sourcesMemory: Bench = {
  name: 'sources-memory',
  group: 'sources',
  about: 'memory of the daemon with and without an OPC UA source of 50 values/s, and of its child',
  measure: async ({ quick, say }: Effort): Promise<Measured> => {
    const samples = quick ? 2 : 10
    await using held = new AsyncDisposableStack()
    const dir = held.use(await tempDir()).path
    const endpoint = await startOpcuaServer(held, dir)
    const nodes = opcuaPoints({ samplingInterval: '1s' }).map(
      ({ id, name, type, customData: { nodeId } }) =>
        `  { id = "${id}", name = "${name}", type = "${type}", customData = { nodeId = "${nodeId}", samplingInterval = "1s" } },\n`,
    )
    const withOpcua = `${systemSource}
[[dataSources]]
name = "press"
customData = { protocol = "opcua", endpoint = "${endpoint}", publishingInterval = "1s" }
dataPoints = [
${nodes.join('')}]
`
    const without = held.use(await startDaemon(`${dir}/without`, systemSource))
    const daemon = held.use(await startDaemon(`${dir}/with`, withOpcua))
    const [child] = childrenOf(daemon.process.pid as number)
    if (child === undefined) throw new Error('there is no child')
    say('two daemons run')
    await pause(quick ? 2_000 : 20_000)
    const pids = { without: without.process.pid, daemon: daemon.process.pid, child } as Record<string, number>
    const found = await sampled(pids, samples)
    const sum = (figure: keyof Memory) => (found.daemon?.[figure] ?? 0) + (found.child?.[figure] ?? 0)
    const figures = (name: string) => ({
      [`${name} RSS`]: rounded(found[name]?.rss ?? 0),
      [`${name} PSS`]: rounded(found[name]?.pss ?? 0),
    })
    return {
      unit: 'MB',
      runs: samples,
      ours: { ...figures('daemon'), ...figures('child'), 'both PSS': rounded(sum('pss')) },
      peer: figures('without'),
      ratio: {
        withOverWithoutRss: rounded(sum('rss') / (found.without?.rss ?? 0)),
        withOverWithoutPss: rounded(sum('pss') / (found.without?.pss ?? 0)),
      },
      must: [],
    }
  },
}

const systemSource = `
[[dataSources]]
name = "box"
customData = { protocol = "system", interval = "1s" }
dataPoints = [{ id = "load", name = "load", type = "DOUBLE", customData = { metric = "load.1" } }]
`

async function startDaemon(stateDir: string, sources: string): Promise<Gateway> {
  await mkdir(`${stateDir}/sources.d`, { recursive: true })
  await writeFile(`${stateDir}/sources.d/box.toml`, sources, { mode: 0o600 })
  const gateway = await startGateway(stateDir, { EDGEWARD_LOG_LEVEL: 'warn' })
  await until('all sources read', async () => {
    const { sources: running } = await agentStatus(gateway)
    return running.length > 0 && running.every(({ readings }) => readings > 0)
  })
  return gateway
}

/** Medians of what each has, looked at every second. */
async function sampled(pids: Record<string, number>, samples: number): Promise<Record<string, Memory>> {
  const taken: Record<string, Memory>[] = []
  for (let n = 0; n < samples; n++) {
    taken.push(Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, memoryOf(pid)])))
    await pause(1_000)
  }
  const of = (name: string, figure: keyof Memory) => median(taken.map((all) => all[name]?.[figure] ?? 0))
  return Object.fromEntries(
    Object.keys(pids).map((name) => [name, { rss: of(name, 'rss'), pss: of(name, 'pss') }]),
  )
}
