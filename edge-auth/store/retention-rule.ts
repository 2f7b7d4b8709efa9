import type { Database } from '../../core/sqlite.ts'
import type { Rule } from '../retention/rule.ts'

export interface RetentionRule extends Rule {
  readonly id: number
  readonly editable: boolean
  /** Who made it; null: the command line. */
  readonly owner: string | null
  readonly updatedAt: number
  readonly revision: number
}

type Row = Omit<RetentionRule, 'editable'> & { editable: 0 | 1 }

export function retentionRuleTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO retention_rule
           (id, data_type, fragment_type, type, source, maximum_age, editable, owner, updated_at, revision)
    VALUES (@id, @dataType, @fragmentType, @type, @source, @maximumAge, @editable, @owner, @updatedAt, @revision)
        ON CONFLICT (id) DO UPDATE
       SET data_type = @dataType, fragment_type = @fragmentType, type = @type, source = @source,
           maximum_age = @maximumAge, editable = @editable, updated_at = @updatedAt, revision = @revision`)
  const remove = db.prepare<[number]>(`DELETE FROM retention_rule WHERE id = ?`)
  const all = db.prepare<[], Row>(`
    SELECT id, data_type AS dataType, fragment_type AS fragmentType, type, source, maximum_age AS maximumAge,
           editable, owner, updated_at AS updatedAt, revision
      FROM retention_rule ORDER BY id`)

  return {
    put: (rule: RetentionRule): void => void put.run({ ...rule, editable: rule.editable ? 1 : 0 }),
    remove: (id: number): void => void remove.run(id),
    all: (): RetentionRule[] => all.all().map((row) => ({ ...row, editable: row.editable === 1 })),
  }
}
