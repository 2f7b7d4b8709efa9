import type { Database } from '../../core/sqlite.ts'
import type { AgentReport } from '../../protocol/agent-report.ts'
import type { DeviceEvent } from '../../protocol/alarm.ts'

/** Of an agent. */
const maxEvents = 1_000

export function deviceEventTable(db: Database) {
  const put = db.prepare<[string, number, number, string]>(
    'INSERT INTO device_event (agent, time, id, document) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const list = db.prepare<[string, number], { document: string }>(
    'SELECT document FROM device_event WHERE agent = ? ORDER BY time DESC, id DESC LIMIT ?',
  )
  const trim = db.prepare<[string, string, number]>(`
    DELETE FROM device_event
     WHERE agent = ? AND time < (SELECT time FROM device_event WHERE agent = ?
                                  ORDER BY time DESC LIMIT 1 OFFSET ?)`)
  const remove = db.prepare<[string]>('DELETE FROM device_event WHERE agent = ?')

  return {
    take(agentId: string, { events = [] }: AgentReport): void {
      let added = 0
      for (const event of events)
        added += put.run(agentId, event.time, event.id, JSON.stringify(event)).changes
      if (added > 0) trim.run(agentId, agentId, maxEvents)
    },
    /** The newest first. */
    list: (agentId: string, limit: number): DeviceEvent[] =>
      list.all(agentId, limit).map(({ document }) => JSON.parse(document)),
    removeAgent: (agentId: string): void => void remove.run(agentId),
  }
}
