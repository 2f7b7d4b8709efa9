import Database from 'better-sqlite3'
import { serveThread } from '../../../core/thread.ts'
import type { Name } from '../../../protocol/message.ts'
import type { Frame } from '../frame.ts'
import { epochAt, positionOf, seqAt } from '../journal/position.ts'

export interface SalvagedEpoch {
  name: string
  boot: string
  names: Name[]
}

export interface Piece {
  epoch: string
  frames: Frame[]
}

export type SalvageThread = {
  /** The newest first. */
  epochs(): SalvagedEpoch[]
  /** Frames of one epoch, in order; undefined at the end. */
  next(): Piece | undefined
  /** Spots that could not be read. */
  holes(): number
}

interface Row {
  position: number
  batches: number
  readings: number
  priority: 0 | 1
  since: number
  unproven: 0 | 1
  runs: string
  body: Buffer
}

const framesAtOnce = 100
/** A file with more is as good as empty. */
const maxHoles = 1000
const endOfPositions = Number.MAX_SAFE_INTEGER

/** Reads around what is broken. */
serveThread<{ path: string }, SalvageThread>(({ path }) => {
  const db = new Database(path, { readonly: true })
  const readEpochs = db.prepare<[], { id: number; name: string; boot: string }>(
    'SELECT id, name, boot FROM epoch ORDER BY id DESC',
  )
  const readNames = db.prepare<[number], { alias: number; text: string }>(
    'SELECT alias, text FROM name WHERE epoch = ?',
  )
  const readFrames = db.prepare<[number], Row>(
    'SELECT * FROM frame WHERE position > ? ORDER BY position LIMIT 1',
  )
  const names = new Map<number, string>()
  let last = -1
  let holes = 0

  /** The next frame that can be read: the nearest above the spot that cannot. */
  function nextRow(): Row | undefined {
    const read = tryRead(last)
    if (read !== undefined) return read.row
    return ++holes > maxHoles ? undefined : beyondHole()
  }

  function beyondHole(): Row | undefined {
    let broken = 0
    let readable = 1
    let found = tryRead(last + readable)
    while (found === undefined && last + 2 * readable < endOfPositions) {
      broken = readable
      readable *= 2
      found = tryRead(last + readable)
    }
    while (found !== undefined && readable - broken > 1) {
      const middle = Math.floor((broken + readable) / 2)
      const nearer = tryRead(last + middle)
      if (nearer === undefined) broken = middle
      else {
        readable = middle
        found = nearer
      }
    }
    return found?.row
  }

  /** The first frame above a position, if there is one; undefined when what is there cannot be read. */
  function tryRead(above: number): { row: Row | undefined } | undefined {
    try {
      return { row: readFrames.get(above) }
    } catch {
      return undefined
    }
  }

  function namesOf(id: number): Name[] {
    try {
      return readNames.all(id).map(({ alias, text }): Name => [alias, text])
    } catch {
      holes++
      return []
    }
  }

  return {
    methods: {
      epochs: () =>
        readEpochs.all().map(({ id, name, boot }) => {
          names.set(id, name)
          last = positionOf(id, 0) - 1 // of the oldest in the end
          return { name, boot, names: namesOf(id) }
        }),
      next() {
        const rows: Row[] = []
        for (let row = nextRow(); row !== undefined; row = nextRow()) {
          const isOfSame = rows[0] === undefined || epochAt(rows[0].position) === epochAt(row.position)
          if (!isOfSame) break
          rows.push(row)
          last = row.position
          if (rows.length >= framesAtOnce) break
        }
        const [first] = rows
        const epoch = first && names.get(epochAt(first.position))
        return epoch === undefined ? undefined : { epoch, frames: rows.map(toFrame) }
      },
      holes: () => holes,
    },
    close: () => void db.close(),
  }
})

const toFrame = ({ position, priority, unproven, runs, body, ...row }: Row): Frame => ({
  seq: seqAt(position),
  batches: row.batches,
  readings: row.readings,
  since: row.since,
  priority: priority === 1 ? 'event' : 'telemetry',
  isProven: unproven === 0,
  runs: JSON.parse(runs) as number[],
  body,
})
