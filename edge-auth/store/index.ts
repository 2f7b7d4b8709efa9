import { join } from 'node:path'
import { ensurePrivateDir } from '../../core/files.ts'
import { openThread, type Thread, threadUrl } from '../../core/thread.ts'
import type { StoreMethods, StoreThreadData } from './thread.ts'

export type { AppVersion } from './app.ts'
export type { Ending, EndReason, Session, SessionChoice } from './session.ts'
export type { SigningKey } from './signing-key.ts'
export type { User } from './user.ts'

export type Disk = Pick<Thread<StoreMethods>, 'call'>
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
  readonly died: Promise<never>
}

export async function openStore(dir: string): Promise<Store> {
  await ensurePrivateDir(dir)
  const data: StoreThreadData = { path: join(dir, 'auth.db') }
  const thread = await openThread<StoreMethods>(threadUrl('thread', import.meta.url), data)
  let last: Promise<unknown> = Promise.resolve()
  return {
    contents: await thread.call('load'),
    change(change) {
      const done = last.then(() => change(thread))
      last = done.catch(() => {}) // told to the caller
      return done
    },
    died: thread.died,
    async [Symbol.asyncDispose]() {
      await last
      await thread[Symbol.asyncDispose]()
    },
  }
}
