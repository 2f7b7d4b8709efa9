import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../core/clock.ts'
import { builtExecutable } from '../test/executable.ts'
import { agentStatus, startGateway, tempDir } from '../test/harness.ts'
import { startApp } from './app.ts'
import type { Bench, Effort, Measured } from './bench.ts'
import { forgetFiles, median, pause, rounded, until } from './measure.ts'
import { memoryOf } from './process-tree.ts'
import { end } from './server-process.ts'

/** What is shipped, beside a Node that does nothing but listen: the least that the choice of language costs. */
export const footprint: Bench = {
  name: 'footprint',
  about: 'ready time, RSS and PSS of the executable with broker and 500 points, over a bare Node process',
  measure: async ({ quick, say }: Effort): Promise<Measured> => {
    const rounds = quick ? 2 : 7
    const executable = await builtExecutable(process.arch === 'arm64' ? 'arm64' : 'x64')
    await using dir = await tempDir()
    const state = await stateOf500Points(`${dir.path}/box`)
    const ours: Program = {
      file: executable,
      args: ['run', '--state-dir', state],
      env: { ...environment, EDGEWARD_SOURCES_DIR: `${state}/sources.d`, XDG_CACHE_HOME: dir.path },
    }
    const bare: Program = {
      file: process.execPath,
      args: [fileURLToPath(new URL('./bare.fixture.mjs', import.meta.url))],
      env: {},
    }
    await readyMs(ours) // makes keys and databases

    const times = {
      ours: [] as number[],
      bare: [] as number[],
      oursCold: [] as number[],
      bareCold: [] as number[],
    }
    for (let round = 0; round < rounds; round++) {
      times.bare.push(await readyMs(bare))
      times.ours.push(await readyMs(ours))
      forgetFiles()
      times.bareCold.push(await readyMs(bare))
      forgetFiles()
      times.oursCold.push(await readyMs(ours))
      say(
        `round ${round + 1}: ready after ${rounded(times.ours.at(-1) ?? 0)} ms, bare ${rounded(times.bare.at(-1) ?? 0)} ms`,
      )
    }
    const [ready, bareReady] = [median(times.ours), median(times.bare)]
    const memory = await memoryOfBoth(ours, bare, state, quick)
    const ratio = {
      ready: rounded(ready / bareReady),
      readyCold: rounded(median(times.oursCold) / median(times.bareCold)),
      rss: rounded(memory.ours.rss / memory.bare.rss),
      pss: rounded(memory.ours.pss / memory.bare.pss),
    }
    return {
      unit: 'milliseconds to the ready line, from a warm and from a cold cache of files; MB',
      runs: rounds,
      ours: { ready: rounded(ready), readyCold: rounded(median(times.oursCold)), ...memory.ours },
      peer: { ready: rounded(bareReady), readyCold: rounded(median(times.bareCold)), ...memory.bare },
      ratio,
      must: [
        { figure: 'ratio.ready', is: ratio.ready, atMost: 5 },
        { figure: 'ratio.rss', is: ratio.rss, atMost: 2 },
      ],
    }
  },
}

interface Program {
  file: string
  args: readonly string[]
  env: Record<string, string>
}

const points = 500
/** As its unit starts it. */
const ofUnit = /^Environment=(.*)$/m.exec(
  readFileSync(new URL('../systemd/edgeward.service', import.meta.url), 'utf8'),
)
const environment: Record<string, string> = {
  ...Object.fromEntries(ofUnit?.[1]?.split(' ').map((setting) => setting.split('=', 2)) ?? []),
  EDGEWARD_AUTH_LISTEN: '127.0.0.1:0',
  EDGEWARD_ADMIN_LISTEN: '127.0.0.1:0',
  EDGEWARD_BROKER_LISTEN: '127.0.0.1:0',
}

/** A state directory with a source of so many points, which an app brings; the folder of its sources. */
async function stateOf500Points(stateDir: string): Promise<string> {
  await mkdir(`${stateDir}/sources.d`, { recursive: true, mode: 0o700 })
  const lines = Array.from(
    { length: points },
    (_, n) =>
      `  { id = "p${n}", name = "p${n}", type = "DOUBLE", customData = { topic = "apps/press/m", pointer = "/${n}" } },\n`,
  )
  const source = `[[dataSources]]\nname = "line"\ncustomData = { protocol = "mqtt" }\ndataPoints = [\n${lines.join('')}]\n`
  await writeFile(`${stateDir}/sources.d/line.toml`, source, { mode: 0o600 })
  return stateDir
}

/** From the start of the process to its ready line. */
async function readyMs({ file, args, env }: Program): Promise<number> {
  const start = systemClock.monotonic()
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] })
  const ready = Promise.withResolvers<number>()
  createInterface({ input: child.stdout }).once('line', () => ready.resolve(systemClock.monotonic() - start))
  child.once('exit', (code) => ready.reject(new Error(`${file} ended with ${code}`)))
  const took = await ready.promise
  await stopped(child)
  return took
}

async function stopped(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** While an app brings all points once a second. */
async function memoryOfBoth(ours: Program, bare: Program, stateDir: string, quick: boolean) {
  const program = { file: ours.file, args: [] }
  await using gateway = await startGateway(stateDir, { ...ours.env, EDGEWARD_LOG_LEVEL: 'info' }, { program })
  const app = await gateway.operate<{ client_id: string; client_secret: string }>('app.add', {
    name: 'press',
    version: '1',
  })
  const publishing = await startApp({
    ...{ broker: gateway.addresses.mqtt, topic: 'apps/press/m', perSecond: 1 },
    ...{ username: app.client_id, password: app.client_secret },
    payload: (n) => JSON.stringify(Array.from({ length: points }, (_, at) => n + at / 8)),
  })
  const idle = spawn(bare.file, bare.args, { stdio: 'ignore' })
  await until('readings', async () => (await agentStatus(gateway)).outbox.readings > 3 * points)
  await pause(quick ? 2_000 : 30_000)
  const figures = { ours: memoryOf(gateway.process.pid as number), bare: memoryOf(idle.pid as number) }
  await publishing.stop()
  await end(idle)
  const whole = ({ rss, pss }: { rss: number; pss: number }) => ({ rss: rounded(rss), pss: rounded(pss) })
  return { ours: whole(figures.ours), bare: whole(figures.bare) }
}
