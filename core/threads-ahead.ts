import type { Worker } from 'node:worker_threads'
import { startOwnThread } from './program.ts'
import { openThread } from './thread.ts'

/** Threads that load their code before it is known what they are to open. */
export interface ThreadsAhead extends AsyncDisposable {
  /** Takes the one that was started for the file, or starts another. */
  open: typeof openThread
}

/** Those that nobody has taken end with it. */
export function startAhead(urls: readonly URL[]): ThreadsAhead {
  const waiting = new Map<string, Worker>()
  for (const url of urls) {
    const worker = startOwnThread(url)
    // One that cannot run is not waited for; whoever opens it starts another, and is told why.
    for (const end of ['error', 'exit']) worker.once(end, () => waiting.delete(url.href))
    waiting.set(url.href, worker)
  }
  return {
    open(url, data, worker = waiting.get(url.href)) {
      waiting.delete(url.href)
      return openThread(url, data, worker)
    },
    async [Symbol.asyncDispose]() {
      const unused = [...waiting.values()]
      waiting.clear()
      await Promise.all(unused.map((worker) => worker.terminate()))
    },
  }
}
