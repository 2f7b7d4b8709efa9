import type { Database } from '../../core/sqlite.ts'
import type { BoxState } from '../../protocol/command-states.ts'
import type { CommandResponse } from '../../protocol/commands.ts'

/** Until `sent` only the hub knows of it; `cancelled` never got that far. */
export type CommandState = 'waiting' | 'sent' | BoxState | 'cancelled'

export interface Command {
  id: string
  agentId: string
  kind: string
  params: Readonly<Record<string, unknown>>
  askedBy: string
  createdAt: number
  expiresAt: number
  state: CommandState
  sentAt: number | null
  changedAt: number
  finishedAt: number | null
  response: KeptResponse | null
}

/** With what the box has said after the command had ended here: that changes nothing any more. */
export type KeptResponse = CommandResponse & { late?: string }

export type NewCommand = Pick<
  Command,
  'id' | 'agentId' | 'kind' | 'params' | 'askedBy' | 'createdAt' | 'expiresAt'
>

type Row = Omit<Command, 'params' | 'response'> & { params: string; response: string | null }

const columns = `
  id, agent_id AS agentId, kind, params, asked_by AS askedBy, created_at AS createdAt, expires_at AS expiresAt,
  state, sent_at AS sentAt, changed_at AS changedAt, finished_at AS finishedAt, response`
const open = 'finished_at IS NULL'

export function commandTable(db: Database) {
  const insert = db.prepare<Omit<NewCommand, 'params'> & { params: string }>(`
    INSERT INTO command (id, agent_id, kind, params, asked_by, created_at, expires_at, state, changed_at)
    VALUES (@id, @agentId, @kind, @params, @askedBy, @createdAt, @expiresAt, 'waiting', @createdAt)`)
  const select = db.prepare<[string], Row>(`SELECT ${columns} FROM command WHERE id = ?`)
  const selectOf = db.prepare<[string, number], Row>(`
    SELECT ${columns} FROM command WHERE agent_id = ? ORDER BY created_at DESC, rowid DESC LIMIT ?`)
  const selectOpen = db.prepare<[string], Row>(`
    SELECT ${columns} FROM command WHERE agent_id = ? AND ${open} ORDER BY created_at, rowid`)
  const updateState = db.prepare<
    Pick<Command, 'id' | 'state' | 'changedAt' | 'finishedAt'> & { response: string | null }
  >(`
    UPDATE command SET state = @state, changed_at = @changedAt, finished_at = @finishedAt, response = @response
     WHERE id = @id`)
  const updateSent = db.prepare<{ id: string; now: number }>(`
    UPDATE command SET state = iif(state = 'waiting', 'sent', state), sent_at = @now, changed_at = @now
     WHERE id = @id AND ${open}`)
  const expire = db.prepare<{ state: string; before: number; now: number; reason: string }>(`
    UPDATE command SET state = 'expired', changed_at = @now, finished_at = @now,
           response = json_object('code', 'expired', 'reason', @reason)
     WHERE ${open} AND expires_at <= @before AND (state = 'waiting') = (@state = 'waiting')`)
  const trim = db.prepare<[string, string, number]>(`
    DELETE FROM command
     WHERE agent_id = ? AND NOT ${open}
       AND rowid <= (SELECT rowid FROM command WHERE agent_id = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?)`)
  const insertReach = db.prepare<[string, number]>(
    'INSERT INTO command_reach (agent_id, since) VALUES (?, ?) ON CONFLICT DO NOTHING',
  )
  const selectReach = db.prepare<[string], { since: number }>(
    'SELECT since FROM command_reach WHERE agent_id = ?',
  )

  return {
    add: (command: NewCommand): void =>
      void insert.run({ ...command, params: JSON.stringify(command.params) }),
    find: (id: string): Command | undefined => {
      const row = select.get(id)
      return row && toCommand(row)
    },
    /** The newest first. */
    of: (agentId: string, limit: number): Command[] => selectOf.all(agentId, limit).map(toCommand),
    /** The oldest first. */
    open: (agentId: string): Command[] => selectOpen.all(agentId).map(toCommand),
    put: ({ id, state, changedAt, finishedAt, response }: Command): void =>
      void updateState.run({
        ...{ id, state, changedAt, finishedAt },
        response: response === null ? null : JSON.stringify(response),
      }),
    sent: (id: string, now: number): void => void updateSent.run({ id, now }),
    /** Those that never left, at their deadline; the others when their box has been silent since. */
    expire(now: number, graceMs: number): void {
      expire.run({ state: 'waiting', before: now, now, reason: neverSent })
      expire.run({ state: 'sent', before: now - graceMs, now, reason: silentBox })
    },
    /** Keeps so many of an agent, and all that have not ended. */
    trim: (agentId: string, kept: number): void => void trim.run(agentId, agentId, kept),
    noteReach: (agentId: string, now: number): void => void insertReach.run(agentId, now),
    isReached: (agentId: string): boolean => selectReach.get(agentId) !== undefined,
  }
}

const neverSent = 'the box was not connected before the deadline'
const silentBox = 'the box has not said what became of it'

const toCommand = ({ params, response, ...row }: Row): Command => ({
  ...row,
  params: JSON.parse(params),
  response: response === null ? null : JSON.parse(response),
})
