import { inspect } from 'node:util'
import { type Bench, reached } from './bench.ts'
import { bridge } from './bridge.ts'
import { drain } from './drain.ts'
import { footprint } from './footprint.ts'
import { introspect } from './introspect.ts'
import { introspectUnderLogin } from './introspect-under-login.ts'
import { machine } from './measure.ts'
import { outbox } from './outbox.ts'
import { sourcesModbus, sourcesOpcua, sourcesSystem } from './sources.ts'
import { sourcesMemory } from './sources-memory.ts'
import { stall } from './stall.ts'
import { wire } from './wire.ts'

/**
 * `npm run bench -- <name>… [--quick]`, `all`, `list`. One JSON line each on stdout, progress on stderr.
 * A missed target is a result (`"met":false`); only what could not be measured ends with 1.
 */
const benches: readonly Bench[] = [
  ...[wire, outbox, bridge, drain, stall, introspect, introspectUnderLogin],
  ...[sourcesModbus, sourcesOpcua, sourcesSystem, sourcesMemory, footprint],
]

const usage = () => benches.map(({ name, about }) => `${name.padEnd(8)} ${about}\n`).join('')

/** By its own name or that of its group. */
const isCalled = (bench: Bench, name: string): boolean => bench.name === name || bench.group === name

async function run(bench: Bench, quick: boolean): Promise<void> {
  const say = (progress: string) => void process.stderr.write(`${bench.name}: ${progress}\n`)
  const { must, ...measured } = await bench.measure({ quick, say })
  const judged = must.map((target) => ({ ...target, met: reached(target) }))
  const line = {
    bench: bench.name,
    ...(quick ? { quick } : {}),
    ...measured,
    must: judged,
    met: judged.every(({ met }) => met),
    machine: machine(),
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function main(args: readonly string[]): Promise<number> {
  const names = args.filter((arg) => !arg.startsWith('-'))
  const unknown = names.filter((name) => name !== 'all' && !benches.some((bench) => isCalled(bench, name)))
  if (names.length === 0 || names.includes('list') || unknown.length > 0) {
    process.stderr.write(usage())
    return names.length === 0 || (unknown.length > 0 && !names.includes('list')) ? 2 : 0
  }
  const chosen = names.includes('all')
    ? benches
    : benches.filter((bench) => names.some((name) => isCalled(bench, name)))
  let failed = 0
  for (const bench of chosen) {
    await run(bench, args.includes('--quick')).catch((error: Error) => {
      failed++
      process.stderr.write(`${bench.name}: not measured: ${inspect(error)}\n`)
    })
  }
  return failed === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
