import type { Database } from '../../core/sqlite.ts'
import type { Gate } from '../guard/rules.ts'

type Row = Record<'clientId' | 'path' | 'roles' | 'methods' | 'rules' | 'public', string> & {
  upstream: string | null
  withholdToken: 0 | 1
}

export function gateTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO gate (client_id, path, upstream, roles, methods, rules, public, withhold_token)
    VALUES (@clientId, @path, @upstream, @roles, @methods, @rules, @public, @withholdToken)
    ON CONFLICT (client_id) DO UPDATE
       SET path = @path, upstream = @upstream, roles = @roles, methods = @methods, rules = @rules,
           public = @public, withhold_token = @withholdToken`)
  const remove = db.prepare<[string]>(`DELETE FROM gate WHERE client_id = ?`)
  const all = db.prepare<[], Row>(`
    SELECT client_id AS clientId, path, upstream, roles, methods, rules, public,
           withhold_token AS withholdToken
      FROM gate ORDER BY client_id`)

  return {
    put: (gate: Gate): void =>
      void put.run({
        ...gate,
        roles: JSON.stringify(gate.roles),
        methods: JSON.stringify(gate.methods),
        rules: JSON.stringify(gate.rules),
        public: JSON.stringify(gate.public),
        withholdToken: gate.withholdToken ? 1 : 0,
      }),
    remove: (clientId: string): void => void remove.run(clientId),
    all: (): Gate[] =>
      all.all().map((row) => ({
        ...row,
        roles: JSON.parse(row.roles),
        methods: JSON.parse(row.methods),
        rules: JSON.parse(row.rules),
        public: JSON.parse(row.public),
        withholdToken: row.withholdToken === 1,
      })),
  }
}
