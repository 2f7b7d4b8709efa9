import { callControl, controlSocket } from '../../core/control.ts'
import type { Places } from '../../main.ts'
import { type Holder, lockHolder } from './lock-holder.ts'

/** What a running daemon says of itself: `gateway.describe`. */
export interface Described {
  pid: number
  /** Its version, which need not be the installed one. */
  release?: string
  /** URLs by the names of the ready line. */
  addresses: Readonly<Record<string, string>>
}

export type Answer = Described | 'nobody' | 'silent'

/** The process that owns the state directory; each question is put once, however many checks look at it. */
export interface DaemonView {
  readonly holder: Promise<Holder | undefined>
  answer(): Promise<Answer>
  /** Undefined unless it answers. */
  described(): Promise<Described | undefined>
}

/** A healthy daemon answers within milliseconds; a busy small one within a second. */
export const patienceMs = 3_000

export function createDaemonView(places: Places): DaemonView {
  const holder = lockHolder(places.stateDir)
  let asked: Promise<Answer> | undefined
  const answer = () => {
    asked ??= describe(places)
    return asked
  }
  return {
    holder,
    answer,
    async described() {
      const said = await answer()
      return typeof said === 'string' ? undefined : said
    },
  }
}

async function describe(places: Places): Promise<Answer> {
  try {
    const answer = await callControl(
      controlSocket(places),
      'gateway.describe',
      {},
      AbortSignal.timeout(patienceMs),
    )
    return answer ? (answer.result as Described) : 'nobody'
  } catch (error) {
    if ((error as Error).name === 'TimeoutError' || (error as Error).name === 'AbortError') return 'silent'
    throw error
  }
}
