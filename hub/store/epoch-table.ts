import type { Database } from '../../core/sqlite.ts'
import type { Name } from '../../protocol/message.ts'

/** One life of an agent's outbox: what its aliases stand for. */
export interface Epoch {
  id: number
  names: ReadonlyMap<number, string>
}

/** So many names are held in memory, over all epochs. */
const maxHeldNames = 500_000

export function epochTable(db: Database) {
  const insert = db.prepare<[string, string]>('INSERT INTO epoch (agent, epoch) VALUES (?, ?)')
  const select = db.prepare<[string, string], { id: number }>(
    'SELECT id FROM epoch WHERE agent = ? AND epoch = ?',
  )
  const insertName = db.prepare<[number, number, string]>(
    'INSERT INTO name (epoch_id, alias, text) VALUES (?, ?, ?)',
  )
  const selectNames = db.prepare<[number], { alias: number; text: string }>(
    'SELECT alias, text FROM name WHERE epoch_id = ?',
  )
  const ofAgent = '(SELECT id FROM epoch WHERE agent = ?)'
  const removals = [
    `DELETE FROM received WHERE source_id IN (SELECT id FROM source WHERE epoch_id IN ${ofAgent})`,
    `DELETE FROM source WHERE epoch_id IN ${ofAgent}`,
    `DELETE FROM name WHERE epoch_id IN ${ofAgent}`,
    `DELETE FROM committed WHERE epoch_id IN ${ofAgent}`,
    'DELETE FROM epoch WHERE agent = ?',
  ].map((sql) => db.prepare<[string]>(sql))

  const held = new Map<string, { id: number; names: Map<number, string> }>()
  let heldNames = 0
  const forget = (): void => {
    held.clear()
    heldNames = 0
  }

  function find(agentId: string, epoch: string) {
    const key = `${agentId} ${epoch}`
    const known = held.get(key)
    if (known) return known
    const id = select.get(agentId, epoch)?.id ?? Number(insert.run(agentId, epoch).lastInsertRowid)
    const names = new Map(selectNames.all(id).map(({ alias, text }) => [alias, text]))
    heldNames += names.size + 1
    if (heldNames > maxHeldNames) forget()
    const found = { id, names }
    held.set(key, found)
    return found
  }

  return {
    /** Made when it is new. */
    find: (agentId: string, epoch: string): Epoch => find(agentId, epoch),
    /** A name never changes: false when one has come with another text. */
    learn(agentId: string, epoch: string, told: readonly Name[]): boolean {
      const { id, names } = find(agentId, epoch)
      for (const [alias, text] of told) {
        const known = names.get(alias)
        if (known === text) continue
        if (known !== undefined) return false
        insertName.run(id, alias, text)
        names.set(alias, text)
        heldNames++
      }
      return true
    },
    /** What is in memory is not on disk: a transaction has failed. */
    forget,
    removeAgent(agentId: string): void {
      for (const removal of removals) removal.run(agentId)
      forget()
    },
  }
}
