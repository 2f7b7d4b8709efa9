import type { Database } from '../../core/sqlite.ts'
import type { AgentReport } from '../../protocol/agent-report.ts'
import type { AlarmState } from '../../protocol/alarm.ts'

export interface KeptAlarm {
  agent: string
  /** When the hub first heard of it. */
  createdAt: number
  alarm: AlarmState
}

interface Row {
  agent: string
  createdAt: number
  document: string
}

/** Of an agent. */
const maxCleared = 500

export function alarmTable(db: Database) {
  const put = db.prepare<[string, string, number, number, number | null, string]>(`
    INSERT INTO alarm (agent, code, raised_at, created_at, cleared_at, document) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (agent, code, raised_at) DO UPDATE
       SET cleared_at = excluded.cleared_at, document = excluded.document
     WHERE document <> excluded.document`)
  const standing = db.prepare<[string], Row>(
    'SELECT agent, created_at AS createdAt, document FROM alarm WHERE agent = ? AND cleared_at IS NULL',
  )
  const list = db.prepare<{ agent: string | null; cleared: 0 | 1; limit: number }, Row>(`
    SELECT agent, created_at AS createdAt, document
      FROM alarm
     WHERE (@agent IS NULL OR agent = @agent) AND (@cleared = 1 OR cleared_at IS NULL)
     ORDER BY raised_at DESC LIMIT @limit`)
  const trim = db.prepare<[string, string, number]>(`
    DELETE FROM alarm
     WHERE agent = ? AND cleared_at <= (SELECT cleared_at FROM alarm WHERE agent = ? AND cleared_at IS NOT NULL
                                         ORDER BY cleared_at DESC LIMIT 1 OFFSET ?)`)
  const remove = db.prepare<[string]>('DELETE FROM alarm WHERE agent = ?')

  const save = (agentId: string, alarm: AlarmState, now: number): void => {
    const { code, raisedAt, clearedAt } = alarm
    put.run(agentId, code, raisedAt, now, clearedAt ?? null, JSON.stringify(alarm))
  }

  return {
    /** What stood and is told no more has been cleared, unless the report could not tell all. */
    take(agentId: string, { alarms, moreAlarms }: AgentReport, receivedAt: number): void {
      for (const alarm of alarms) save(agentId, alarm, receivedAt)
      if (moreAlarms === undefined) {
        const told = new Set(alarms.map(({ code, raisedAt }) => `${raisedAt} ${code}`))
        for (const { alarm } of standing.all(agentId).map(toKept))
          if (!told.has(`${alarm.raisedAt} ${alarm.code}`))
            save(agentId, { ...alarm, clearedAt: receivedAt }, receivedAt)
      }
      trim.run(agentId, agentId, maxCleared)
    },
    /** The newest first. */
    list: (agentId: string | undefined, withCleared: boolean, limit: number): KeptAlarm[] =>
      list.all({ agent: agentId ?? null, cleared: withCleared ? 1 : 0, limit }).map(toKept),
    removeAgent: (agentId: string): void => void remove.run(agentId),
  }
}

const toKept = ({ document, ...row }: Row): KeptAlarm => ({ ...row, alarm: JSON.parse(document) })
