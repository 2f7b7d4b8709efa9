import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { aborted } from '../../core/tasks.ts'
import type { CommandUpdate } from '../../protocol/commands.ts'
import type { Book } from './book.ts'
import { type Command, hasEnded, updateOf } from './command.ts'
import type { News } from './news.ts'

/** A connection on which the hub is told. */
export interface Line {
  agent: string
  /** False when it is larger than the far side takes. Resolves when the far side has it. */
  send(update: CommandUpdate): Promise<boolean>
}

/** Tells the hub what becomes of commands: the newest state of each, until the hub has it. */
export interface Telling {
  /** The hub has asked again: it gets the answer once more. */
  again(command: Command): void
  /** Until aborted, or until the connection fails. */
  over(line: Line, signal: AbortSignal): Promise<never>
}

export interface TellingDeps {
  book: Book
  news: News
  clock: Clock
  random: Random
  log: Logger
}

/** Without an answer for so long it is told again. */
const patienceMs = 30_000

export function createTelling({ book, news, clock, random, log }: TellingDeps): Telling {
  /** By number: what the hub has in memory of this process; its disk alone is `confirmed`. */
  const told = new Map<number, Command['state']>()
  const asked = new Set<number>()

  const isDue = ({ number, state, confirmed }: Command): boolean =>
    asked.has(number) || (!confirmed && told.get(number) !== state)

  async function send(line: Line, command: Command): Promise<void> {
    const id = random.uuid()
    const fits = await line.send(updateOf(command, { id }))
    if (fits) return
    log.warn({ command: command.jobId }, 'answer is larger than the far side takes')
    await line.send(updateOf(command, { id, without: ['result'] }))
  }

  async function tell(line: Line, command: Command, signal: AbortSignal): Promise<void> {
    const { number, state } = command
    asked.delete(number)
    const over = new AbortController()
    const late = clock.sleep(patienceMs, AbortSignal.any([signal, over.signal])).then(() => 'late')
    late.catch(() => {}) // the race is over
    const outcome = await Promise.race([send(line, command), late]).finally(() => over.abort())
    if (outcome === 'late') return
    told.set(number, state)
    const newest = book.find(command.agent, command.jobId)
    if (!hasEnded(command) || newest === undefined) return
    // Not on disk, it is told once more after the next start.
    await book.put({ ...newest, confirmed: true }).catch((err) => log.warn({ err }, 'confirmation not kept'))
  }

  return {
    again({ number }) {
      asked.add(number)
      news.tell()
    },
    async over(line, signal) {
      for (;;) {
        signal.throwIfAborted()
        const change = news.next()
        const due = book.all().find((command) => command.agent === line.agent && isDue(command))
        if (due) await tell(line, due, signal)
        else await Promise.race([change, aborted(signal)])
      }
    },
  }
}
