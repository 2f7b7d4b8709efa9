import { expect } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import type { Diagnosis } from '../../core/diagnosis.ts'
import { ownCommand } from '../../core/program.ts'
import { runProgram } from '../harness.ts'

/** How the command is run: as it is, or by a program that takes something from it or puts something in its way. */
export interface Circumstances {
  env?: Record<string, string>
  args?: readonly string[]
  /** Put before the command line. */
  under?: readonly string[]
}

export interface Expected {
  /** Of the check that names it; several where it depends on the moment which comes to know first. */
  id: string | readonly string[]
  says: RegExp
  status?: Diagnosis['status']
  /** What fails besides, since the fault could not be injected without. */
  despite?: readonly string[]
}

interface Told {
  fault: string
  id: string
  cause: string
  seconds: string
}

/** What doctor has named, of all the faults that were injected. */
const told: Told[] = []

export const table = (): string => {
  const rows = told.map(({ fault, id, cause, seconds }) => `${seconds} s  ${fault}  →  ${id}: ${cause}`)
  return `${told.length} injected faults, and what doctor named:\n${rows.join('\n')}\n`
}

/** More at once would take longer each, and the time that is told would be that of the others. */
const atOnce = 3
let free = atOnce
const waiting: (() => void)[] = []

async function turn(): Promise<Disposable> {
  if (free > 0) free--
  else await new Promise<void>((resolve) => waiting.push(resolve))
  return {
    [Symbol.dispose]() {
      const next = waiting.shift()
      if (next) next()
      else free++
    },
  }
}

export async function doctor(state: string, { env = {}, args = [], under = [] }: Circumstances = {}) {
  const { file: node, args: program } = ownCommand()
  const [file, ...rest] = [...under, node, ...program, 'doctor', '--json', '--state-dir', state, ...args]
  using _turn = await turn()
  const start = systemClock.monotonic()
  const { code, stdout, stderr } = await runProgram(file as string, rest, { env })
  const seconds = ((systemClock.monotonic() - start) / 1000).toFixed(1)
  expect(stderr).toBe('')
  const { healthy, findings } = JSON.parse(stdout) as { healthy: boolean; findings: Diagnosis[] }
  expect(code).toBe(healthy ? 0 : 1)
  for (const { tookMs, id } of findings) expect(tookMs, id).toBeLessThan(10_000)
  return { healthy, findings, seconds }
}

export type Fault = [fault: string, expected: Expected]

/** One fault, and it must be named first. */
export async function names(
  fault: string,
  expected: Expected,
  state: string,
  circumstances: Circumstances = {},
): Promise<Diagnosis[]> {
  return namesAll([[fault, expected]], state, circumstances)
}

/**
 * Faults of different checks, told in one go. Of what fails, one of them must be named first, and nothing
 * else; other warnings may be true of the machine that the test runs on.
 */
export async function namesAll(
  faults: readonly Fault[],
  state: string,
  circumstances: Circumstances = {},
): Promise<Diagnosis[]> {
  const { findings, seconds } = await doctor(state, circumstances)
  const failures = findings.filter(({ status }) => status === 'failed')
  const ids = faults.flatMap(([, { id, status = 'failed' }]) => (status === 'failed' ? [id].flat() : []))
  const despite = faults.flatMap((fault) => fault[1].despite ?? [])
  const first = failures.find(({ id }) => !despite.includes(id))
  if (first) expect(ids, JSON.stringify(failures, null, 1)).toContain(first.id)
  for (const [fault, { id, says, status = 'failed' }] of faults) {
    const found = findings.find((one) => [id].flat().includes(one.id) && one.status === status)
    expect(found, JSON.stringify(failures, null, 1)).toMatchObject({
      cause: expect.stringMatching(says),
      cure: expect.stringMatching(/\w/),
    })
    told.push({ fault, id: found?.id ?? '', cause: found?.cause.split('\n')[0] ?? '', seconds })
  }
  return findings
}

const isRoot = process.getuid?.() === 0
/** For `skipIf`: mounts, namespaces and low ports are root's. */
export const mayNotMount = !isRoot

/** In a mount namespace of its own, in which these files or directories lie over others. */
export const withMounts = (mounts: Readonly<Record<string, string>>): string[] => {
  const script = Object.entries(mounts).map(([at, by]) => `mount --bind '${by}' '${at}'`)
  return ['unshare', '--mount', 'sh', '-c', [...script, 'exec "$@"'].join(' && '), 'sh']
}
