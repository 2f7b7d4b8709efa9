import { statfsSync } from 'node:fs'
import { Conflict } from '../../core/errors.ts'
import { openDatabase } from '../../core/sqlite.ts'
import { DiskFull, PreconditionFailed, QuotaExceeded, TokenDamaged } from './errors.ts'
import type { Filter } from './filter.ts'
import { filterSql } from './filter-sql.ts'
import { createOwners } from './owners.ts'
import { createRubbish } from './rubbish.ts'
import { contentKey, isSealed, openChunk, sealHead } from './sealing.ts'
import { bytesOf, chunkTable, idOf, keyCheckTable, type TokenRow, tokenTable } from './tables.ts'
import {
  type Conditions,
  charge,
  holds,
  type Owner,
  type TokenHead,
  type TokenName,
  type WriteMode,
} from './token.ts'
import { createUploads } from './uploads.ts'

export interface TokensData {
  path: string
  /** Bytes that an app may keep. */
  quota: number
}

export interface Wish {
  /** Of all when there is none. */
  owner: Owner | undefined
  relatedId?: string | undefined
  filter?: Filter | undefined
  from: number
  count: number
  /** Values of so many bytes at most will be read: each must be released. */
  heldBytes: number
}

export interface Commit {
  content: string
  name: TokenName
  mode: WriteMode
  conditions: Conditions
  now: number
}

/** Values leave so much of the disk to others, and to what removes them: that is written to a log first. */
const reservedBytes = 16 * 1024 * 1024

export type TokensOnDisk = ReturnType<typeof openTokensOnDisk>

/** kv.db. What a thread serves; synchronous. */
export function openTokensOnDisk({ path, quota }: TokensData) {
  const migrations = new URL('./migrations/', import.meta.url)
  const db = openDatabase(path, { migrations, pragmas: ['auto_vacuum = INCREMENTAL'] })
  const tokens = tokenTable(db)
  const chunks = chunkTable(db)
  const check = keyCheckTable(db)
  const owners = createOwners(db)
  const rubbish = createRubbish(db, chunks)
  const uploads = createUploads({ chunks, rubbish }, { quota })
  let boxKey: Uint8Array = Buffer.alloc(0)

  /** In WAL mode a durable commit makes all before it durable too: chunks need no fsync of their own. */
  const durably = (isDurable: boolean): void =>
    void db.pragma(`synchronous = ${isDurable ? 'FULL' : 'NORMAL'}`)
  const pageBytes = db.pragma('page_size', { simple: true }) as number
  const roomBytes = (): number => {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize + (db.pragma('freelist_count', { simple: true }) as number) * pageBytes
  }
  const rowOf = (owner: Owner, { relatedId, key }: TokenName): TokenRow | undefined => {
    const id = owners.find(owner)?.id
    return id === undefined ? undefined : tokens.find(id, Buffer.from(relatedId), Buffer.from(key))
  }
  const headOf = (row: TokenRow): TokenHead => {
    const owner = owners.byId(row.owner) as Owner
    const { relatedId, key, content, seal, chunks, bytes, createdAt, updatedAt } = row
    return {
      clientId: owner.clientId,
      relatedId: relatedId.toString(),
      key: key.toString(),
      content: idOf(content),
      ...{ chunks, bytes, createdAt, updatedAt },
      damaged: !isSealed(contentKey(boxKey, content), owner, row, seal),
    }
  }

  const settle = db.transaction(({ content, name, mode, conditions, now }: Commit, owner: number) => {
    const { owner: of, key, chunks, bytes } = uploads.get(content)
    const old = rowOf(of, name)
    if (old && mode === 'create') throw new Conflict('there is such a token already', 'token_exists')
    if (!holds(conditions, old && idOf(old.content)))
      throw new PreconditionFailed('the token is not as the request says')
    const before = old === undefined ? 0 : charge(old.bytes, name)
    const used = charge(bytes, name) - before
    if ((owners.byId(owner)?.used ?? 0) + used > quota) throw new QuotaExceeded(quota)
    const head = {
      ...{ relatedId: Buffer.from(name.relatedId), key: Buffer.from(name.key), chunks, bytes },
      createdAt: old && !headOf(old).damaged ? old.createdAt : now,
      updatedAt: now,
    }
    const row = { ...head, owner, content: bytesOf(content), seal: sealHead(key, of, head) }
    tokens.put(row)
    return { old, row, used }
  })

  const removeRows = db.transaction(
    (owner: number, relatedId: string | undefined, key: string | undefined) => {
      const names = [
        { column: 'related_id', text: relatedId },
        { column: 'key', text: key },
      ].filter(({ text }) => text !== undefined)
      const where = ['owner = ?', ...names.map(({ column }) => `${column} = ?`)].join(' AND ')
      return tokens.removeAll(where, [owner, ...names.map(({ text }) => Buffer.from(text as string))])
    },
  )
  const forget = (owner: number, gone: ReturnType<typeof removeRows>): void => {
    for (const { content } of gone) rubbish.throwAway(idOf(content))
    const used = gone.reduce((sum, { relatedId, key, bytes }) => {
      return sum + charge(bytes, { relatedId: relatedId.toString(), key: key.toString() })
    }, 0)
    owners.count(owner, { tokens: -gone.length, used: -used })
  }
  const removeOwner = db.transaction((owner: number) => {
    const gone = removeRows(owner, undefined, undefined)
    owners.remove(owner)
    return gone
  })

  return {
    methods: {
      /** What is to be known before the key is. */
      keyed: () => ({ check: check.find(), hasTokens: tokens.isAny() }),
      unlock(key: Uint8Array, value: Uint8Array): void {
        durably(true)
        check.put(Buffer.from(value))
        boxKey = key
      },
      begin(owner: Owner, content: string, name: TokenName | undefined): void {
        const old = name && rowOf(owner, name)
        const replaced = old && name ? charge(old.bytes, name) : 0
        uploads.begin({ owner, content, key: contentKey(boxKey, bytesOf(content)), replaced })
      },
      append(content: string, plain: Uint8Array): void {
        durably(false)
        if (roomBytes() < reservedBytes) throw new DiskFull('the disk is full')
        const { owner } = uploads.get(content)
        uploads.append(content, plain, owners.find(owner)?.used ?? 0)
      },
      commit(commit: Commit): { head: TokenHead; isNew: boolean } {
        durably(true)
        const owner = owners.known(uploads.get(commit.content).owner).id
        const { old, row, used } = settle(commit, owner)
        uploads.end(commit.content)
        owners.count(owner, { tokens: old ? 0 : 1, used })
        if (old) rubbish.throwAway(idOf(old.content))
        return { head: headOf(row), isNew: old === undefined }
      },
      abandon: (content: string): void => uploads.abandon(content),
      find(owner: Owner, name: TokenName): TokenHead | undefined {
        const row = rowOf(owner, name)
        return row && headOf(row)
      },
      /** To be released once it has been read. */
      open(owner: Owner, name: TokenName): TokenHead | undefined {
        const row = rowOf(owner, name)
        if (row) rubbish.hold(idOf(row.content))
        return row && headOf(row)
      },
      readChunk(content: string, number: number): Uint8Array {
        const sealed = chunks.find(bytesOf(content), number)
        const plain = sealed && openChunk(contentKey(boxKey, bytesOf(content)), number, sealed)
        if (!plain) throw new TokenDamaged()
        return plain
      },
      isChunkWhole(content: string, number: number): boolean {
        const sealed = chunks.find(bytesOf(content), number)
        return (
          sealed !== undefined &&
          openChunk(contentKey(boxKey, bytesOf(content)), number, sealed) !== undefined
        )
      },
      release: (contents: readonly string[]): void => contents.forEach(rubbish.release),
      list({ owner, relatedId, filter, from, count, heldBytes }: Wish): {
        heads: TokenHead[]
        total: number
      } {
        const parts = [
          { sql: owner ? 'owner = ?' : 'true', values: owner ? [owners.find(owner)?.id ?? -1] : [] },
          ...(relatedId === undefined ? [] : [{ sql: 'related_id = ?', values: [Buffer.from(relatedId)] }]),
          ...(filter ? [filterSql(filter)] : []),
        ]
        const where = parts.map(({ sql }) => sql).join(' AND ')
        const values = parts.flatMap((part): (Buffer | number)[] => part.values)
        const heads = tokens.list(where, values, from, count).map(headOf)
        for (const { content, bytes } of heads) if (bytes <= heldBytes) rubbish.hold(content)
        return { heads, total: tokens.count(where, values) }
      },
      /** All that have these names, whatever state they are in; returns how many. */
      remove(owner: Owner, relatedId?: string, key?: string, conditions: Conditions = {}): number {
        durably(true)
        const found = owners.find(owner)
        if (!found) return 0
        if (relatedId !== undefined && key !== undefined) {
          const row = rowOf(owner, { relatedId, key })
          if (row && !holds(conditions, idOf(row.content)))
            throw new PreconditionFailed('the token is not as the request says')
        }
        const gone = removeRows(found.id, relatedId, key)
        forget(found.id, gone)
        return gone.length
      },
      /** Whoever else has tokens is no app any more. */
      keepOnly(apps: readonly Owner[]): void {
        durably(true)
        const isApp = (owner: Owner) =>
          apps.some(({ clientId, since }) => clientId === owner.clientId && since === owner.since)
        for (const { id } of owners.all().filter((owner) => !isApp(owner))) {
          forget(id, removeOwner(id))
          owners.forget(id)
        }
      },
      usage: () =>
        owners.all().map(({ clientId, since, tokens, used }) => ({ clientId, since, tokens, used })),
      tidy(): boolean {
        durably(false)
        return rubbish.tidy()
      },
    },
    close: () => void db.close(),
  }
}
