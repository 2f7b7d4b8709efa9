import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { aborted } from '../../core/tasks.ts'
import type { CommandKind } from '../../protocol/commands.ts'
import type { Book } from './book.ts'
import { type Command, hasEnded, type Refusal, step } from './command.ts'
import type { Kinds } from './kinds.ts'
import type { News } from './news.ts'

/** One command after the other, each by its deadline. */
export interface Execution {
  /** The hub says that the command holds for so long from now on. */
  heard(command: Command, withinMs: number): void
  /** Ends what the last process was executing. */
  begin(signal: AbortSignal): Promise<void>
  execute(signal: AbortSignal): Promise<void>
  /** Ends those whose deadline comes before their turn. */
  expire(signal: AbortSignal): Promise<void>
}

export interface ExecutionDeps {
  book: Book
  news: News
  kinds: Kinds
  refusal(command: Command): Refusal | undefined
  onEnd(command: Command): void
  clock: Clock
  log: Logger
}

interface Deadline {
  /** On the monotonic clock. */
  at: number
  /** Not yet since this start: how long it has waited before, nobody knows without a trusted time. */
  isHeard: boolean
}

/** Until a disk takes it again. */
const diskPauseMs = 1_000

class TimedOut extends EdgeError {
  override readonly name = 'TimedOut'
  readonly code = 'timed_out'
}

export function createExecution({ book, news, kinds, refusal, onEnd, clock, log }: ExecutionDeps): Execution {
  const deadlines = new Map<number, Deadline>()
  let current: number | undefined
  /** Being ended before their turn. */
  const ending = new Set<number>()

  /** Until it is on disk. Rejects when aborted before. */
  async function keep(command: Command, signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await book.put(command)
        break
      } catch (err) {
        // Once: on a full disk a line each second would be what fills the journal.
        if (tries === 1)
          log.warn({ err, command: command.jobId }, 'state of a command not kept; trying again')
        await clock.sleep(diskPauseMs, signal)
      }
    }
    if (hasEnded(command)) {
      deadlines.delete(command.number)
      log.info({ command: command.jobId, kind: command.kind, state: command.state }, 'command ended')
      onEnd(command)
    }
    news.tell()
  }

  const at = (): { at: number } => ({ at: Math.round(clock.now()) })
  const leftMs = ({ number }: Command): number =>
    (deadlines.get(number)?.at ?? Number.POSITIVE_INFINITY) - clock.monotonic()
  const waiting = (): Command[] => book.all().filter(({ state }) => state === 'received')
  const next = (): Command | undefined =>
    waiting().find(
      (each) => deadlines.get(each.number)?.isHeard && leftMs(each) > 0 && !ending.has(each.number),
    )

  async function perform(command: Command, signal: AbortSignal): Promise<void> {
    const refused = refusal(command)
    if (refused) return keep(step(command, { is: 'rejected', ...at(), ...refused }), signal)
    const executing = step(command, { is: 'started', ...at() })
    const begun = await before(leftMs(command), (either) => keep(executing, either), signal)
    if (begun instanceof Error) return keep(step(command, { is: 'expired', ...at() }), signal)
    const work = (either: AbortSignal) => kinds[command.kind as CommandKind](command.params as never, either)
    const outcome = await before(leftMs(command), work, signal)
    if (outcome instanceof Error && !(outcome instanceof EdgeError) && !signal.aborted)
      log.error({ err: outcome, command: command.jobId, kind: command.kind }, 'command failed unexpectedly')
    if (outcome instanceof Error && signal.aborted) return // the next start decides
    await keep(step(executing, { ...at(), ...endOf(outcome) }), signal)
  }

  /** What came, or why nothing did; when the time is over or the signal aborts, nobody waits for it any more. */
  async function before<T>(
    ms: number,
    task: (either: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | Error> {
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    const failed = (error: unknown) => (error instanceof Error ? error : new Error(String(error)))
    const timer = clock.sleep(ms, either).then(
      () => new TimedOut('its deadline came while it was executed'),
      () => new Error('stopped'),
    )
    const outcome = await Promise.race([task(either).catch(failed), timer])
    over.abort(outcome)
    return outcome
  }

  async function endOverdue(signal: AbortSignal): Promise<void> {
    const overdue = waiting().filter((each) => each.number !== current && leftMs(each) <= 0)
    for (const { number } of overdue) ending.add(number)
    for (const command of overdue) {
      await keep(step(command, { is: 'expired', ...at() }), signal).catch(() => {}) // aborted: the next start
      ending.delete(command.number)
    }
  }

  return {
    heard({ number }, withinMs) {
      deadlines.set(number, { at: clock.monotonic() + withinMs, isHeard: true })
      news.tell()
    },
    async begin(signal) {
      const stopped = (error: unknown) => {
        if (!signal.aborted) throw error
      }
      for (const command of book.all()) {
        const { number, state, withinMs } = command
        if (state === 'executing') await keep(step(command, { is: 'begun', ...at() }), signal).catch(stopped)
        if (state === 'received' && !deadlines.has(number))
          deadlines.set(number, { at: clock.monotonic() + withinMs, isHeard: false })
      }
    },
    async execute(signal) {
      while (!signal.aborted) {
        const change = news.next()
        const command = next()
        current = command?.number
        if (command === undefined) await Promise.race([change, aborted(signal)])
        else
          await perform(command, signal).catch((error) => {
            if (!signal.aborted) throw error
          })
      }
    },
    async expire(signal) {
      while (!signal.aborted) {
        const change = news.next()
        await endOverdue(signal)
        const soonest = Math.min(
          ...waiting()
            .map(leftMs)
            .filter((left) => left > 0),
          longestSleepMs,
        )
        const over = new AbortController()
        const either = AbortSignal.any([signal, over.signal])
        await Promise.race([change, clock.sleep(soonest, either).catch(() => {})])
        over.abort()
      }
    },
  }
}

const longestSleepMs = 60_000

function endOf(outcome: unknown): { is: 'done'; result: unknown } | ({ is: 'failed' } & Refusal) {
  if (!(outcome instanceof Error)) return { is: 'done', result: outcome }
  if (!(outcome instanceof EdgeError))
    return { is: 'failed', code: 'internal', reason: 'an internal error; the log of the box has it' }
  const { code, message, cure } = outcome
  return { is: 'failed', code, reason: cure === undefined ? message : `${message}. ${cure}` }
}
