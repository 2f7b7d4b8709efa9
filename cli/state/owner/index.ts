import { type ErrorShape, RemoteError } from '../../../core/errors.ts'
import { forkOwn } from '../../../core/program.ts'
import { threadUrl } from '../../../core/thread.ts'
import type { Owner } from '../../places.ts'
import type { Writing, Written } from '../written.ts'

export type Answer = { written: Written } | { error: ErrorShape }

/** The file of the backup, in the process of the owner. */
export const targetFd = 4

const maxHeapMb = 256

/**
 * The same as `writeState`, for root: by a process of the owner of the state. What lies there he may have
 * made a link to what only root can read or write.
 */
export async function writeAsOwner({ uid, gid }: Owner, writing: Writing, fd: number): Promise<Written> {
  const child = forkOwn(threadUrl('entry', import.meta.url), {
    ...{ uid, gid, maxHeapMb, env: { HOME: '/nonexistent' }, cwd: '/' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', fd],
  })
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  child.once('message', (answer) => resolve(answer as Answer))
  child.once('error', reject)
  child.once('exit', (code, signal) =>
    reject(new Error(`the process of the owner of the state ended with ${code ?? signal}`)),
  )
  child.send(writing)
  const answer = await promise
  if ('error' in answer) throw new RemoteError(answer.error)
  return answer.written
}
