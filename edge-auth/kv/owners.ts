import type { Database } from '../../core/sqlite.ts'
import { type KnownOwner, ownerTable } from './tables.ts'
import { type Owner, tokenOverheadBytes } from './token.ts'

/** Who keeps tokens, and how much; counted once and then kept in memory. */
export interface Owners {
  find(owner: Owner): Readonly<KnownOwner> | undefined
  byId(id: number): Readonly<KnownOwner> | undefined
  /** Added when it is new. */
  known(owner: Owner): Readonly<KnownOwner>
  all(): Readonly<KnownOwner>[]
  /** To be told after the commit. */
  count(id: number, change: { tokens: number; used: number }): void
  /** In a transaction of the caller's; `forget` comes after it. */
  remove(id: number): void
  forget(id: number): void
}

export function createOwners(db: Database): Owners {
  const table = ownerTable(db)
  const known = new Map(table.all(tokenOverheadBytes).map((owner) => [owner.id, owner]))
  const find = ({ clientId, since }: Owner) =>
    [...known.values()].find((owner) => owner.clientId === clientId && owner.since === since)

  return {
    find,
    byId: (id) => known.get(id),
    known({ clientId, since }) {
      const found = find({ clientId, since })
      if (found) return found
      const added = { id: table.add({ clientId, since }), clientId, since, tokens: 0, used: 0 }
      known.set(added.id, added)
      return added
    },
    all: () => [...known.values()],
    count(id, { tokens, used }) {
      const owner = known.get(id)
      if (!owner) return
      owner.tokens += tokens
      owner.used += used
    },
    remove: (id) => table.remove(id),
    forget: (id) => void known.delete(id),
  }
}
