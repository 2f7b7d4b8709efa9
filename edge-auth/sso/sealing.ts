import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Random } from '../../core/random.ts'

/** What the box wants to know again, and gives to the browser to keep: unread, unchanged, for a while. */
export interface Sealing {
  seal(content: object): string
  /** Undefined for whatever this process has not sealed. */
  open(text: string): unknown
}

const ivBytes = 12
const tagBytes = 16

/** The key lives as long as the process: what was under way at a restart begins anew. */
export function createSealing(random: Random): Sealing {
  const key = random.bytes(32)
  return {
    seal(content) {
      const iv = random.bytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      const sealed = Buffer.concat([cipher.update(JSON.stringify(content)), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
    },
    open(text) {
      try {
        const bytes = Buffer.from(text, 'base64url')
        if (bytes.toString('base64url') !== text) return undefined // one content has one text
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), {
          authTagLength: tagBytes,
        })
        decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
        const opened = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()])
        return JSON.parse(opened.toString())
      } catch {
        return undefined
      }
    },
  }
}
