import { QuotaExceeded } from './errors.ts'
import type { Rubbish } from './rubbish.ts'
import { sealChunk } from './sealing.ts'
import { bytesOf, type chunkTable } from './tables.ts'
import type { Owner } from './token.ts'

/** A value that is on its way in; no token names it yet. */
export interface Upload {
  readonly owner: Owner
  readonly content: string
  readonly key: Uint8Array
  /** What the token that it is to replace counts for. */
  readonly replaced: number
  chunks: number
  bytes: number
}

export interface Uploads {
  begin(upload: Pick<Upload, 'owner' | 'content' | 'key' | 'replaced'>): void
  get(content: string): Upload
  /** Throws `QuotaExceeded` as soon as it is clear that it would not fit. */
  append(content: string, plain: Uint8Array, used: number): void
  /** It belongs to a token now. */
  end(content: string): void
  abandon(content: string): void
}

export function createUploads(
  { chunks, rubbish }: { chunks: ReturnType<typeof chunkTable>; rubbish: Rubbish },
  { quota }: { quota: number },
): Uploads {
  const running = new Map<string, Upload>()

  const get = (content: string): Upload => {
    const upload = running.get(content)
    if (!upload) throw new Error('no such upload')
    return upload
  }
  const growth = ({ clientId, since }: Owner): number =>
    [...running.values()]
      .filter(({ owner }) => owner.clientId === clientId && owner.since === since)
      .reduce((sum, { bytes, replaced }) => sum + Math.max(0, bytes - replaced), 0)

  const abandon = (content: string): void => {
    if (running.delete(content)) rubbish.throwAway(content)
  }

  return {
    begin: (upload) => void running.set(upload.content, { ...upload, chunks: 0, bytes: 0 }),
    get,
    append(content, plain, used) {
      const upload = get(content)
      const number = upload.chunks
      chunks.add(bytesOf(content), number, sealChunk(upload.key, number, plain))
      upload.chunks += 1
      upload.bytes += plain.length
      if (used + growth(upload.owner) <= quota) return
      abandon(content) // it is over, and must not stand in the way of others
      throw new QuotaExceeded(quota)
    },
    end: (content) => void running.delete(content),
    abandon,
  }
}
