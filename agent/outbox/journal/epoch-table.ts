import type { Database } from '../../../core/sqlite.ts'
import { epochAt, positionOf } from './position.ts'

export interface EpochRow {
  id: number
  name: string
  boot: string
  closed: 0 | 1
  aliveAt: number
  provenFrom: number | null
}

const columns = 'id, name, boot, closed, alive_at AS aliveAt, proven_from AS provenFrom'

export function epochTable(db: Database) {
  const insert = db.prepare<EpochRow>(`
    INSERT INTO epoch (id, name, boot, closed, alive_at, proven_from)
    VALUES (@id, @name, @boot, @closed, @aliveAt, @provenFrom)`)
  const selectAll = db.prepare<[], EpochRow>(`SELECT ${columns} FROM epoch ORDER BY id`)
  const selectNamed = db.prepare<[string], EpochRow>(`SELECT ${columns} FROM epoch WHERE name = ?`)
  const close = db.prepare<[number]>('UPDATE epoch SET closed = 1 WHERE id = ?')
  const live = db.prepare<[number, number]>('UPDATE epoch SET alive_at = ? WHERE id = ?')
  const prove = db.prepare<[number, number]>(
    'UPDATE epoch SET proven_from = ? WHERE id = ? AND proven_from IS NULL',
  )
  const remove = db.prepare<[number]>('DELETE FROM epoch WHERE id = ?')
  const removeNames = db.prepare<[number]>('DELETE FROM name WHERE epoch = ?')
  const insertName = db.prepare<[number, number, string]>(
    'INSERT OR IGNORE INTO name (epoch, alias, text) VALUES (?, ?, ?)',
  )
  const selectNames = db.prepare<[number], { alias: number; text: string }>(
    'SELECT alias, text FROM name WHERE epoch = ? ORDER BY alias',
  )
  const anyFrame = db.prepare<[number, number], { position: number }>(
    'SELECT position FROM frame WHERE position BETWEEN ? AND ? LIMIT 1',
  )
  const lastTaken = db.prepare<[number, number], { since: number }>(
    'SELECT since FROM frame WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT 1',
  )
  const moveEpoch = db.prepare<[number, number]>('UPDATE epoch SET id = ? WHERE id = ?')
  const moveNames = db.prepare<[number, number]>('UPDATE name SET epoch = ? WHERE epoch = ?')
  const moveFrames = db.prepare<[number, number, number]>(
    'UPDATE frame SET position = position - ? WHERE position BETWEEN ? AND ?',
  )
  const span = (id: number): [number, number] => [positionOf(id, 0), positionOf(id + 1, 0) - 1]

  return {
    add: (row: EpochRow): void => void insert.run(row),
    all: (): EpochRow[] => selectAll.all(),
    named: (name: string): EpochRow | undefined => selectNamed.get(name),
    close: (id: number): void => void close.run(id),
    live: (id: number, now: number): void => void live.run(now, id),
    prove: (id: number, seq: number): void => void prove.run(seq, id),
    remove(id: number): void {
      removeNames.run(id)
      remove.run(id)
    },
    isEmpty: (id: number): boolean => anyFrame.get(...span(id)) === undefined,
    /** When its newest frame was taken in. */
    lastTaken: (id: number): number | undefined => lastTaken.get(...span(id))?.since,
    addName: (id: number, alias: number, text: string): void => void insertName.run(id, alias, text),
    names: (id: number): { alias: number; text: string }[] => selectNames.all(id),
    /** Gives an epoch, with all that is of it, a lower number that is free. */
    renumber(from: number, to: number): void {
      moveFrames.run(positionOf(from - to, 0), ...span(from))
      moveNames.run(to, from)
      moveEpoch.run(to, from)
    },
    idOf: epochAt,
  }
}
