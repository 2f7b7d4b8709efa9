import type { Database } from '../../core/sqlite.ts'

export interface AlarmMapping {
  readonly type: string
  /** Null: as it is. */
  readonly severity: 'CRITICAL' | 'MAJOR' | 'MINOR' | 'WARNING' | null
  readonly text: string | null
  /** Nobody is told of alarms of the type. */
  readonly dropped: boolean
  /** Who made it; null: the command line. */
  readonly owner: string | null
  readonly updatedAt: number
  readonly revision: number
}

type Row = Omit<AlarmMapping, 'dropped'> & { dropped: 0 | 1 }

export function alarmMappingTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO alarm_mapping (type, severity, text, dropped, owner, updated_at, revision)
    VALUES (@type, @severity, @text, @dropped, @owner, @updatedAt, @revision)
        ON CONFLICT (type) DO UPDATE
       SET severity = @severity, text = @text, dropped = @dropped, updated_at = @updatedAt, revision = @revision`)
  const remove = db.prepare<[string]>(`DELETE FROM alarm_mapping WHERE type = ?`)
  const all = db.prepare<[], Row>(`
    SELECT type, severity, text, dropped, owner, updated_at AS updatedAt, revision
      FROM alarm_mapping ORDER BY type`)

  return {
    put: (mapping: AlarmMapping): void => void put.run({ ...mapping, dropped: mapping.dropped ? 1 : 0 }),
    remove: (type: string): void => void remove.run(type),
    all: (): AlarmMapping[] => all.all().map((row) => ({ ...row, dropped: row.dropped === 1 })),
  }
}
