import { Conflict } from '../../core/errors.ts'
import type { Database } from '../../core/sqlite.ts'
import { FileTooLarge, StaleETag } from '../errors.ts'

/** Names a file within its tenant. */
export interface FileName {
  tenant: string
  entityId: string
  path: string
}

export interface FileMeta {
  /** Who has uploaded it; empty for a person or program of the tenant. */
  agentId: string
  type: string | null
  description: string | null
  /** As the client says it. */
  createdAt: string | null
}

export interface StoredFile extends FileMeta {
  eTag: number
  content: Uint8Array
}

/** Parts of two senders never mix. */
export type Upload = FileName & Pick<FileMeta, 'agentId'>

type FileRow = Omit<StoredFile, 'content'> & { id: number }

export function fileTables(db: Database) {
  const where = `tenant = @tenant AND entity_id = @entityId AND path = @path`
  const ofUpload = `${where} AND agent_id = @agentId`
  const select = db.prepare<FileName, FileRow>(`
    SELECT id, agent_id AS agentId, etag AS eTag, type, description, created_at AS createdAt
      FROM file WHERE ${where}`)
  const upsert = db.prepare<FileName & FileMeta & { now: number }, { id: number; eTag: number }>(`
    INSERT INTO file (tenant, agent_id, entity_id, path, etag, type, description, created_at, stored_at)
    VALUES (@tenant, @agentId, @entityId, @path, 0, @type, @description, @createdAt, @now)
    ON CONFLICT DO UPDATE SET agent_id = excluded.agent_id, etag = etag + 1, type = excluded.type,
      description = excluded.description, created_at = excluded.created_at, stored_at = excluded.stored_at
    RETURNING id, etag AS eTag`)
  const removeParts = db.prepare<[number]>(`DELETE FROM file_part WHERE file_id = ?`)
  const insertPart = db.prepare<[number, number, Uint8Array]>(`
    INSERT INTO file_part (file_id, n, content) VALUES (?, ?, ?)`)
  const selectParts = db.prepare<[number], { content: Buffer }>(`
    SELECT content FROM file_part WHERE file_id = ? ORDER BY n`)
  const upsertPending = db.prepare<Upload & { n: number; content: Uint8Array }>(`
    INSERT OR REPLACE INTO pending_part (tenant, agent_id, entity_id, path, n, content)
    VALUES (@tenant, @agentId, @entityId, @path, @n, @content)`)
  const measurePending = db.prepare<Upload & { except: number }, { bytes: number }>(`
    SELECT coalesce(sum(length(content)), 0) AS bytes FROM pending_part WHERE ${ofUpload} AND n <> @except`)
  const adoptPending = db.prepare<Upload & { id: number }>(`
    INSERT INTO file_part (file_id, n, content) SELECT @id, n, content FROM pending_part WHERE ${ofUpload}`)
  const selectLast = db.prepare<Upload, { n: number | null }>(`
    SELECT max(n) AS n FROM pending_part WHERE ${ofUpload}`)
  const removePending = db.prepare<Upload>(`DELETE FROM pending_part WHERE ${ofUpload}`)
  const removeOfAgent = ['file', 'pending_part'].map((table) =>
    db.prepare<[string]>(`DELETE FROM ${table} WHERE agent_id = ?`),
  )

  function replace(name: FileName, meta: FileMeta, eTag: number | undefined, now: number) {
    const current = select.get(name)
    if (eTag !== undefined && current && current.eTag !== eTag) throw new StaleETag(current.eTag)
    const isOwner = meta.agentId === '' || meta.agentId === name.entityId || current?.agentId === meta.agentId
    if (current && !isOwner) throw new Conflict('The file was uploaded by another.')
    const file = upsert.get({ ...name, ...meta, now }) as { id: number; eTag: number }
    removeParts.run(file.id)
    return file
  }

  function refuseTooLarge(upload: Upload, added: number, maxBytes: number, except = -1): void {
    const bytes = (measurePending.get({ ...upload, except })?.bytes ?? 0) + added
    if (bytes > maxBytes) throw new FileTooLarge(maxBytes)
  }

  return {
    find(name: FileName): StoredFile | undefined {
      const row = select.get(name)
      if (!row) return undefined
      const { id, ...file } = row
      return { ...file, content: Buffer.concat(selectParts.all(id).map(({ content }) => content)) }
    },
    /** Returns the new eTag, 0 for a new file. Throws `StaleETag`. */
    put(name: FileName, meta: FileMeta, content: Uint8Array, eTag: number | undefined, now: number): number {
      const file = replace(name, meta, eTag, now)
      insertPart.run(file.id, 0, content)
      return file.eTag
    },
    /** Begins an upload in parts, or ends one that was given up. */
    clearParts: (upload: Upload): void => void removePending.run(upload),
    /** Throws `FileTooLarge`. */
    addPart(upload: Upload, n: number, content: Uint8Array, maxBytes: number): void {
      refuseTooLarge(upload, content.length, maxBytes, n)
      upsertPending.run({ ...upload, n, content })
    },
    /** The parts become the file, with `last` as the last of them. Throws `StaleETag`, `FileTooLarge`. */
    complete(
      name: FileName,
      meta: FileMeta,
      last: Uint8Array,
      { eTag, maxBytes, now }: { eTag: number | undefined; maxBytes: number; now: number },
    ): number {
      const upload = { ...name, agentId: meta.agentId }
      refuseTooLarge(upload, last.length, maxBytes)
      const file = replace(name, meta, eTag, now)
      const n = selectLast.get(upload)?.n ?? 0
      adoptPending.run({ ...upload, id: file.id })
      if (last.length > 0) insertPart.run(file.id, n + 1, last)
      removePending.run(upload)
      return file.eTag
    },
    removeAgent(agentId: string): void {
      for (const remove of removeOfAgent) remove.run(agentId)
    },
  }
}
