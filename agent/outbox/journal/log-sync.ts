import { closeSync, fdatasyncSync, openSync } from 'node:fs'
import type { Database } from '../../../core/sqlite.ts'

/**
 * Puts what was committed on disk. SQLite as it comes prebuilt calls fsync, which on ext4 writes the time
 * stamp of the log's inode as well, and that commits the file system's journal: three times the bytes of a
 * small commit. So SQLite syncs only around a checkpoint (`synchronous = NORMAL`), which keeps the
 * database whole; that a commit stays is ours, by fdatasync of the log before anybody is told.
 */
export interface LogSync {
  /** Whatever has changed since the last call is on disk when this returns. */
  sync(): void
  close(): void
}

export function createLogSync(db: Database): LogSync {
  const changes = db.prepare<[], number>('SELECT total_changes()').pluck()
  let synced = -1 // what the open has written is not synced yet
  let log: number | undefined

  return {
    sync() {
      const made = changes.get() as number
      if (made === synced) return
      // The log lives as long as the connection; opening and closing it takes no lock of SQLite's away.
      log ??= openSync(`${db.name}-wal`, 'r+')
      fdatasyncSync(log)
      synced = made
    },
    close() {
      if (log !== undefined) closeSync(log)
    },
  }
}
