import type { Name } from '../../../protocol/message.ts'
import type { EpochRow, epochTable } from './epoch-table.ts'
import { lastEpoch } from './position.ts'

export interface Epoch {
  id: number
  name: string
  boot: string
}

/** An epoch that ended without being closed: it lived for certain until `aliveAt`. */
export interface Unclosed {
  name: string
  aliveAt: number
}

/** The epochs that something is kept of, with the names that they have given out. */
export interface Epochs {
  readonly current: Epoch
  /** Those that crashed; none when the process goes on with what it still has of them. */
  readonly crashed: readonly Unclosed[]
  named(name: string): Epoch | undefined
  byId(id: number): Epoch | undefined
  /** Takes in an epoch that another file has begun, below the current one. */
  adopt(name: string, boot: string, now: number): Epoch
  /** The alias of a text in the current epoch, given out at need. */
  aliasOf(text: string): number
  textOf(id: number): (alias: number) => string | undefined
  aliasIn(id: number): (text: string) => number
  /** All names of an epoch. */
  names(id: number): Name[]
  addNames(id: number, names: readonly Name[]): void
  /** Names that are not on disk yet; for the transaction of the first frame that uses one. */
  saveNames(): void
  /** That transaction has been committed. */
  namesSaved(): void
  /** Those given out since the last call. */
  takeNewNames(): Name[]
  /** Forgets epochs of which nothing is left. */
  collect(): void
}

interface Names {
  texts: Map<number, string>
  aliases: Map<string, number>
}

/** Room below the first epoch of a file, for what may be adopted into it from a broken one. */
const roomBelow = 1000

export function createEpochs(
  table: ReturnType<typeof epochTable>,
  begun: { name: string; boot: string; floor: number; now: number; isSuccessor: boolean },
): Epochs {
  const rows = begin(table, begun)
  const crashed = begun.isSuccessor ? [] : rows.filter((row) => row.closed === 0)
  for (const { id } of crashed) table.close(id)
  const id = Math.max(rows.at(-1)?.id ?? roomBelow, begun.floor) + 1
  const current: Epoch = { id, name: begun.name, boot: begun.boot }
  table.add({ ...current, closed: 0, aliveAt: begun.now, provenFrom: null })
  const known = new Map<number, Epoch>([...rows, current].map((row) => [row.id, row]))
  const names = new Map<number, Names>()
  let unsaved: Name[] = []
  let fresh: Name[] = []

  function namesOf(epoch: number): Names {
    let found = names.get(epoch)
    if (found === undefined) {
      const kept = table.names(epoch)
      found = {
        texts: new Map(kept.map(({ alias, text }) => [alias, text])),
        aliases: new Map(kept.map(({ alias, text }) => [text, alias])),
      }
      names.set(epoch, found)
    }
    return found
  }

  return {
    current,
    crashed: crashed.map(({ id: of, name, aliveAt }) => ({
      name,
      aliveAt: Math.max(aliveAt, table.lastTaken(of) ?? 0),
    })),
    named: (name) => [...known.values()].find((epoch) => epoch.name === name),
    byId: (of) => known.get(of),
    adopt(name, boot, now) {
      let free = current.id - 1
      while (known.has(free)) free--
      const epoch = { id: Math.max(1, free), name, boot }
      table.add({ ...epoch, closed: 0, aliveAt: now, provenFrom: null })
      known.set(epoch.id, epoch)
      return epoch
    },
    aliasOf(text) {
      const { texts, aliases } = namesOf(current.id)
      const before = aliases.get(text)
      if (before !== undefined) return before
      const alias = aliases.size
      aliases.set(text, alias)
      texts.set(alias, text)
      unsaved.push([alias, text])
      fresh.push([alias, text])
      return alias
    },
    textOf(of) {
      const { texts } = namesOf(of)
      return (alias) => texts.get(alias)
    },
    aliasIn(of) {
      const { aliases } = namesOf(of)
      return (text) => aliases.get(text) as number
    },
    names: (of) => [...namesOf(of).texts],
    addNames(of, added) {
      for (const [alias, text] of added) table.addName(of, alias, text)
      names.delete(of) // read anew
    },
    saveNames() {
      for (const [alias, text] of unsaved) table.addName(current.id, alias, text)
    },
    namesSaved() {
      unsaved = []
    },
    takeNewNames() {
      const taken = fresh
      fresh = []
      return taken
    },
    collect() {
      for (const { id: of } of [...known.values()]) {
        if (of === current.id || !table.isEmpty(of)) continue
        const row = table.named(known.get(of)?.name ?? '')
        if (row?.closed === 0) continue // its end is not accounted for yet
        table.remove(of)
        known.delete(of)
        names.delete(of)
      }
    },
  }
}

/** The epochs of former lives that are still of use; numbered anew when their numbers run out. */
function begin(table: ReturnType<typeof epochTable>, { floor }: { floor: number }): EpochRow[] {
  for (const row of table.all()) if (row.closed === 1 && table.isEmpty(row.id)) table.remove(row.id)
  const rows = table.all()
  const isNewProcess = floor === 0 // nobody remembers a position
  if (!isNewProcess || (rows.at(-1)?.id ?? 0) < lastEpoch / 2) return rows
  for (const [k, { id }] of rows.entries()) {
    const lower = roomBelow + 1 + k
    if (lower < id) table.renumber(id, lower)
  }
  return table.all()
}
