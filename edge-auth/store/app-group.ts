import type { Database } from '../../core/sqlite.ts'

/** Apps that users get roles for together. */
export interface AppGroup {
  readonly name: string
  /** Client ids. */
  readonly apps: readonly string[]
  /** The user who made it; null: the command line. */
  readonly owner: string | null
  /** Grows with each change. */
  readonly revision: number
}

type Row = Omit<AppGroup, 'apps'> & { apps: string }

export function appGroupTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO app_group (name, apps, owner, revision) VALUES (@name, @apps, @owner, @revision)
    ON CONFLICT (name) DO UPDATE SET apps = @apps, owner = @owner, revision = @revision`)
  const remove = db.prepare<[string]>(`DELETE FROM app_group WHERE name = ?`)
  const disown = db.prepare<[string]>(`UPDATE app_group SET owner = NULL WHERE owner = ?`)
  const all = db.prepare<[], Row>(`SELECT name, apps, owner, revision FROM app_group`)

  return {
    put: (group: AppGroup): void => void put.run({ ...group, apps: JSON.stringify(group.apps) }),
    remove: (name: string): void => void remove.run(name),
    disown: (user: string): void => void disown.run(user),
    all: (): AppGroup[] => all.all().map((row) => ({ ...row, apps: JSON.parse(row.apps) as string[] })),
  }
}
