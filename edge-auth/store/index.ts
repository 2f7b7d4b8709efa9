import { join } from 'node:path'
import { ensurePrivateDir } from '../../core/files.ts'
import { openThread, threadUrl } from '../../core/thread.ts'
import type { AuditEntry, AuditQuery, StoredAuditEntry } from './audit.ts'
import type { Changes, StoreMethods, StoreThreadData } from './thread.ts'

export type { App } from './app.ts'
export type { AppVersion } from './app-version.ts'
export type { AuditEntry, AuditQuery, AuditType, StoredAuditEntry } from './audit.ts'
export type { EndReason, Session, SessionToken } from './session.ts'
export type { Setting } from './setting.ts'
export type { SigningKey } from './signing-key.ts'
export type { KnownAddress } from './throttle.ts'
export type { User } from './user.ts'

export interface Disk {
  /** Commits one change together with the audit entries that it makes true, then tells the log of them. */
  call<K extends keyof Changes>(change: K, ...args: Parameters<Changes[K]>): Promise<void>
}
export type Contents = ReturnType<StoreMethods['load']>

/** auth.db, in its own thread. Those who keep part of it in memory start from `contents`. */
export interface Store extends AsyncDisposable {
  /** As on disk when opened. */
  readonly contents: Contents
  /**
   * One change at a time: what `change` finds in memory holds until it is done. It commits through
   * `disk`, then alters memory; when the commit fails, memory stays.
   */
  change<T>(change: (disk: Disk) => Promise<T>): Promise<T>
  /** Audit entries of events that changed nothing; in no order with the changes. */
  note(entries: readonly AuditEntry[]): Promise<void>
  listAudit(query: AuditQuery): Promise<StoredAuditEntry[]>
  readonly died: Promise<never>
}

/** `tell` is given every audit entry once it is on disk. */
export async function openStore(dir: string, { tell }: { tell(entry: AuditEntry): void }): Promise<Store> {
  await ensurePrivateDir(dir)
  const data: StoreThreadData = { path: join(dir, 'auth.db') }
  const thread = await openThread<StoreMethods>(threadUrl('thread', import.meta.url), data)
  const disk: Disk = {
    async call(change, ...args) {
      await thread.call(change, ...args)
      for (const entry of args[0]) tell(entry)
    },
  }
  let last: Promise<unknown> = Promise.resolve()
  return {
    contents: await thread.call('load'),
    change(change) {
      const done = last.then(() => change(disk))
      last = done.catch(() => {}) // told to the caller
      return done
    },
    note: (entries) => disk.call('noteEvents', entries),
    listAudit: (query) => thread.call('listAudit', query),
    died: thread.died,
    async [Symbol.asyncDispose]() {
      await last
      await thread[Symbol.asyncDispose]()
    },
  }
}
