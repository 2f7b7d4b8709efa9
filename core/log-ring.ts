import Type from 'typebox'
import type { Operations } from './control.ts'
import { parser } from './schema.ts'

/** The newest lines of the log, in memory: what a box without a journal can still be asked. */
export interface LogRing {
  add(line: string): void
  /** Those after a place, the oldest first. A place that is older than all tells what went meanwhile. */
  after(place: number): { lines: string[]; place: number; missed: number }
}

const maxLines = 2_000
const maxCharacters = 1024 * 1024

/** Keeps so many lines and so many characters at most; the oldest go first. */
export function createLogRing(bounds: { lines?: number; characters?: number } = {}): LogRing {
  const { lines: most = maxLines, characters: largest = maxCharacters } = bounds
  let kept: string[] = []
  let from = 0
  let gone = 0
  let characters = 0
  const removeOldest = (): void => {
    characters -= (kept[from] as string).length
    kept[from] = ''
    from++
    gone++
  }
  return {
    add(text) {
      const line = text.trimEnd().slice(0, largest)
      kept.push(line)
      characters += line.length
      while (kept.length - from > most || characters > largest) removeOldest()
      if (from < most) return
      kept = kept.slice(from) // seldom, so that a line costs little
      from = 0
    },
    after(place) {
      const missed = Math.max(0, gone - place)
      const lines = kept.slice(from + Math.max(0, place - gone))
      return { lines, place: gone + kept.length - from, missed }
    },
  }
}

/** What `log.recent` answers: lines as they were written, and where to go on. */
export interface RecentLines {
  /** Places of another process mean nothing to this one. */
  pid: number
  lines: string[]
  place: number
  /** Lines since the place that was asked for and are no longer kept. */
  missed: number
}

const parseRecent = parser(
  Type.Object(
    { after: Type.Optional(Type.Object({ pid: Type.Integer(), place: Type.Integer({ minimum: 0 }) })) },
    { additionalProperties: false },
  ),
)

export const recentOperation = (ring: LogRing, pid: number): Operations => ({
  'log.recent': async (params): Promise<RecentLines> => {
    const { after } = parseRecent(params ?? {}, 'log.recent')
    const found = ring.after(after?.pid === pid ? after.place : 0)
    return { pid, ...found, missed: after === undefined ? 0 : found.missed }
  },
})
