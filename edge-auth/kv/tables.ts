import type { Database } from '../../core/sqlite.ts'
import type { SealedHead } from './sealing.ts'
import type { Owner } from './token.ts'

/** Contents are named by text outside of the tables. */
export const bytesOf = (content: string): Buffer => Buffer.from(content, 'base64url')
export const idOf = (content: Buffer): string => content.toString('base64url')

export interface TokenRow extends SealedHead {
  owner: number
  content: Buffer
  seal: Buffer
}

type Removed = Pick<TokenRow, 'content' | 'relatedId' | 'key' | 'bytes'>

const columns = `related_id AS relatedId, key, owner, content, chunks, bytes, created_at AS createdAt,
  updated_at AS updatedAt, seal`

export function tokenTable(db: Database) {
  const put = db.prepare<TokenRow>(`
    INSERT INTO token (owner, related_id, key, content, chunks, bytes, created_at, updated_at, seal)
    VALUES (@owner, @relatedId, @key, @content, @chunks, @bytes, @createdAt, @updatedAt, @seal)
    ON CONFLICT (owner, related_id, key) DO UPDATE
       SET content = @content, chunks = @chunks, bytes = @bytes, created_at = @createdAt,
           updated_at = @updatedAt, seal = @seal`)
  const find = db.prepare<[number, Buffer, Buffer], TokenRow>(`
    SELECT ${columns} FROM token WHERE owner = ? AND related_id = ? AND key = ?`)
  const remove = db.prepare<[number, Buffer, Buffer]>(`
    DELETE FROM token WHERE owner = ? AND related_id = ? AND key = ?`)
  const isAny = db.prepare<[], number>(`SELECT EXISTS (SELECT 1 FROM token)`).pluck()

  return {
    put: (row: TokenRow): void => void put.run(row),
    find: (owner: number, relatedId: Buffer, key: Buffer) => find.get(owner, relatedId, key),
    remove: (owner: number, relatedId: Buffer, key: Buffer): void => void remove.run(owner, relatedId, key),
    /** Returns what they were. */
    removeAll: (where: string, values: readonly (Buffer | number)[]): Removed[] =>
      db
        .prepare<unknown[], Removed>(
          `DELETE FROM token WHERE ${where} RETURNING content, related_id AS relatedId, key, bytes`,
        )
        .all(...values),
    isAny: (): boolean => isAny.get() === 1,
    /** In the order of the names; `where` has a `?` for each value. */
    list: (where: string, values: readonly (Buffer | number)[], from: number, count: number): TokenRow[] =>
      db
        .prepare<unknown[], TokenRow>(
          `SELECT ${columns} FROM token WHERE ${where} ORDER BY owner, related_id, key LIMIT ? OFFSET ?`,
        )
        .all(...values, count, from),
    count: (where: string, values: readonly (Buffer | number)[]): number =>
      db
        .prepare<unknown[], number>(`SELECT count(*) FROM token WHERE ${where}`)
        .pluck()
        .get(...values) ?? 0,
  }
}

export interface KnownOwner extends Owner {
  id: number
  tokens: number
  /** As `charge` counts. */
  used: number
}

export function ownerTable(db: Database) {
  const add = db.prepare<Owner>(`INSERT INTO owner (client_id, since) VALUES (@clientId, @since)`)
  const remove = db.prepare<[number]>(`DELETE FROM owner WHERE id = ?`)
  const all = db.prepare<[number], KnownOwner>(`
    SELECT id, client_id AS clientId, since, count(token.owner) AS tokens,
           coalesce(sum(bytes + length(related_id) + length(key) + ?), 0) AS used
      FROM owner LEFT JOIN token ON token.owner = owner.id
     GROUP BY id`)

  return {
    add: (owner: Owner): number => Number(add.run(owner).lastInsertRowid),
    remove: (id: number): void => void remove.run(id),
    all: (overheadBytes: number): KnownOwner[] => all.all(overheadBytes),
  }
}

export function chunkTable(db: Database) {
  const add = db.prepare<[Buffer, number, Buffer]>(`
    INSERT INTO chunk (content, number, sealed) VALUES (?, ?, ?)`)
  const find = db
    .prepare<[Buffer, number], Buffer>(`SELECT sealed FROM chunk WHERE content = ? AND number = ?`)
    .pluck()
  const removeSome = db.prepare<[Buffer, number]>(`
    DELETE FROM chunk WHERE rowid IN (SELECT rowid FROM chunk WHERE content = ? LIMIT ?)`)
  const unnamed = db
    .prepare<[], Buffer>(`
      SELECT DISTINCT content FROM chunk WHERE content NOT IN (SELECT content FROM token)`)
    .pluck()

  return {
    add: (content: Buffer, number: number, sealed: Buffer): void => void add.run(content, number, sealed),
    find: (content: Buffer, number: number): Buffer | undefined => find.get(content, number),
    removeSome: (content: Buffer, count: number): number => removeSome.run(content, count).changes,
    /** Of no token. */
    unnamed: (): Buffer[] => unnamed.all(),
  }
}

export function keyCheckTable(db: Database) {
  const find = db.prepare<[], Buffer>(`SELECT value FROM key_check`).pluck()
  const put = db.prepare<[Buffer]>(`
    INSERT INTO key_check (id, value) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value`)
  return { find: () => find.get(), put: (value: Buffer): void => void put.run(value) }
}
