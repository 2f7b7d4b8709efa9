import type { Clock } from './clock.ts'
import { EdgeError } from './errors.ts'

/** What one look at one thing has found. `cause` and `cure` are sentences for people. */
export interface Finding {
  status: 'ok' | 'warning' | 'failed' | 'skipped'
  /** Whatever the status: what was seen, in plain words. */
  cause: string
  cure?: string
  /** Of a skipped one: the failed check that explains it. What needs this one is skipped too. */
  because?: string
  /** Plain JSON for machines; never a secret. */
  facts?: Readonly<Record<string, unknown>>
}

export interface Check {
  readonly id: string
  /** What is looked at, as a heading. */
  readonly title: string
  /**
   * Ids of checks declared earlier without which this one could only repeat what they have said: when
   * one of them fails, this is skipped in its name. Unknown ids count as passed.
   */
  readonly needs?: readonly string[]
  /** An `EdgeError` that it throws is a failure that explains itself. */
  run(signal: AbortSignal): Promise<Finding>
}

export interface Diagnosis extends Finding {
  id: string
  title: string
  /** How long it took to know. */
  tookMs: number
}

/**
 * Runs all checks at once, each as soon as those it needs have passed, and gives every one a finding
 * within `limitMs`: one that throws has failed, one that is still busy by then is cut off. Never rejects.
 */
export async function diagnose(
  checks: readonly Check[],
  { clock, limitMs }: { clock: Clock; limitMs: number },
): Promise<Diagnosis[]> {
  const start = clock.monotonic()
  const over = new AbortController()
  const limit = clock.sleep(limitMs, over.signal).then(
    () => over.abort(new Error('the time for all checks is over')),
    () => {}, // all were done before
  )
  const results = new Map<string, Promise<Diagnosis>>()
  for (const check of checks) {
    const needed = (check.needs ?? []).flatMap((id) => results.get(id) ?? [])
    const result = examine(check, needed, limitMs, over.signal)
    results.set(
      check.id,
      result.then((found) => ({ ...found, tookMs: Math.round(clock.monotonic() - start) })),
    )
  }
  const found = await Promise.all(results.values())
  over.abort()
  await limit
  return found
}

type Examined = Omit<Diagnosis, 'tookMs'>

async function examine(
  { id, title, run }: Check,
  needed: readonly Promise<Diagnosis>[],
  limitMs: number,
  signal: AbortSignal,
): Promise<Examined> {
  for (const before of await Promise.all(needed)) {
    if (before.status === 'failed')
      return { id, title, ...skippedFor(before.id, `not looked at before this is mended: ${before.title}`) }
    if (before.because !== undefined) return { id, title, ...skippedFor(before.because, before.cause) }
  }
  const late = cutOff(limitMs, signal)
  try {
    return { id, title, ...(await Promise.race([late.finding, run(signal)])) }
  } catch (error) {
    if (signal.aborted) return { id, title, ...tooLate(limitMs) }
    return { id, title, ...thrown(error) }
  } finally {
    late.forget()
  }
}

/** A planned failure explains itself; anything else, the file system's words too, is passed on. */
function thrown(error: unknown): Finding {
  if (error instanceof EdgeError) return failed(error.message, error.cure)
  const cause = error instanceof Error ? error.message : String(error)
  return failed(`this could not be looked at: ${cause}`, undefined)
}

/** A check that does not listen to its signal is left behind. */
function cutOff(limitMs: number, signal: AbortSignal): { finding: Promise<Finding>; forget(): void } {
  const { promise: finding, resolve } = Promise.withResolvers<Finding>()
  const end = () => resolve(tooLate(limitMs))
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
  return { finding, forget: () => signal.removeEventListener('abort', end) }
}

const tooLate = (limitMs: number): Finding => ({
  status: 'failed',
  cause: `did not answer within ${limitMs / 1000} s, so nothing that depends on it will work`,
})

const severity = { failed: 0, warning: 1, skipped: 2, ok: 3 } as const

/** Worst first; among equals in the order of the checks, which name roots before what grows from them. */
export const worstFirst = (found: readonly Diagnosis[]): Diagnosis[] =>
  found.toSorted((a, b) => severity[a.status] - severity[b.status])

export const ok = (cause: string, facts?: Finding['facts']): Finding => finding('ok', cause, undefined, facts)
export const warning = (cause: string, cure: string, facts?: Finding['facts']): Finding =>
  finding('warning', cause, cure, facts)
export const failed = (cause: string, cure: string | undefined, facts?: Finding['facts']): Finding =>
  finding('failed', cause, cure, facts)
/** There is nothing to look at, and no other check is to blame for it. */
export const skipped = (cause: string, facts?: Finding['facts']): Finding =>
  finding('skipped', cause, undefined, facts)

export const skippedFor = (because: string, cause: string): Finding => ({ ...skipped(cause), because })

const finding = (
  status: Finding['status'],
  cause: string,
  cure: string | undefined,
  facts: Finding['facts'],
): Finding => ({ status, cause, ...(cure === undefined ? {} : { cure }), ...(facts ? { facts } : {}) })
