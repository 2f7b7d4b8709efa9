import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Clock } from '../../core/clock.ts'
import { type Check, type Finding, ok, skipped, warning } from '../../core/diagnosis.ts'

/** How long the disk of the state takes to keep a little, by a handful of real writes. */
export function speedCheck(stateDir: string, clock: Pick<Clock, 'monotonic'>): Check {
  return {
    id: 'state.speed',
    title: 'speed of the disk',
    needs: ['state', 'state.space'],
    run: (signal) => measure(stateDir, clock, signal),
  }
}

/** Of Linux: a file without a name in a directory; it is gone when it is closed, whatever happens. */
const nameless = 0o20200000

const writes = 4
const block = Buffer.alloc(4096, 1)
/** A commit of the outbox must not take longer for long. */
const slowMs = 250

async function measure(
  stateDir: string,
  clock: Pick<Clock, 'monotonic'>,
  signal: AbortSignal,
): Promise<Finding> {
  const file = await openNameless(stateDir)
  if (typeof file === 'string') return skipped(file)
  try {
    const took: number[] = []
    for (let at = 0; at < writes && !signal.aborted; at++) took.push(await keep(file, at, clock))
    return describeSpeed(took)
  } catch (error) {
    return skipped(`it could not be tried: ${(error as Error).message}`)
  } finally {
    await file.close()
  }
}

const openNameless = (dir: string): Promise<FileHandle | string> =>
  open(dir, constants.O_RDWR | nameless, 0o600).catch(({ code, message }: NodeJS.ErrnoException) =>
    code === 'EOPNOTSUPP' || code === 'EISDIR' || code === 'EINVAL'
      ? 'this file system has no files without a name, and others are not made for a look'
      : `it could not be tried: ${message}`,
  )

async function keep(file: FileHandle, at: number, clock: Pick<Clock, 'monotonic'>): Promise<number> {
  const start = clock.monotonic()
  await file.write(block, 0, block.length, at * block.length)
  await file.sync()
  return clock.monotonic() - start
}

/** The middle one counts: once in a while any card takes a moment for itself. */
export function describeSpeed(tookMs: readonly number[]): Finding {
  const sorted = tookMs.toSorted((a, b) => a - b)
  const [middle = 0, most = 0] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
  const facts = { middleMs: rounded(middle), mostMs: rounded(most) }
  const cause = `4 KB are kept in ${rounded(middle)} ms, ${rounded(most)} ms at most`
  if (middle <= slowMs) return ok(cause, facts)
  return warning(
    `${cause}: a card that takes so long is worn out, or other programs write much`,
    'See what writes ("iotop -o", "edgeward status" for the share of edgeward) and the kernel\'s log ("dmesg"); plan to replace the card.',
    facts,
  )
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10
