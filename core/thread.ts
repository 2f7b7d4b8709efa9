import { extname } from 'node:path'
import { type MessagePort, parentPort, type Worker } from 'node:worker_threads'
import { EdgeError, type ErrorShape, errorShape, RemoteError } from './errors.ts'
import { startOwnThread } from './program.ts'

/**
 * Databases live in worker threads, so that no fsync stops the event loop. A thread serves a plain
 * object of methods; the main thread calls them by name. Arguments and results are structured clones.
 */
export type Methods = { [name: string]: (...args: never[]) => unknown }

export interface Thread<M extends Methods> extends AsyncDisposable {
  /** Rejects with `RemoteError` for a planned failure, `ThreadDied` when the thread is gone. */
  call<K extends keyof M & string>(method: K, ...args: Parameters<M[K]>): Promise<Awaited<ReturnType<M[K]>>>
  /** Rejects when the thread ends by itself. Never resolves. */
  readonly died: Promise<never>
}

export class ThreadDied extends EdgeError {
  override readonly name = 'ThreadDied'
  readonly code = 'thread_died'
  override readonly statusCode = 503
}

type Opening = { open: unknown }
type Request = { id: number; method: string; args: unknown[] }
type Reply = { id: number; value?: unknown; error?: ErrorShape }
type Ready = { ready: true } | { ready: false; error: ErrorShape }

/** The file beside `from` with this name, with the ending that `from` has (.ts from source, .js when built). */
export const threadUrl = (name: string, from: string): URL => new URL(`./${name}${extname(from)}`, from)

/**
 * Resolves when the thread has opened what it owns; rejects with its reason when it could not. `worker` runs
 * the file already, and waits for what it is to open.
 */
export async function openThread<M extends Methods>(
  url: URL,
  data: unknown,
  worker: Worker = startOwnThread(url),
): Promise<Thread<M>> {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>()
  const opened = Promise.withResolvers<void>()
  const death = Promise.withResolvers<never>()
  death.promise.catch(() => {}) // whoever awaits `died` sees it; nobody must
  let nextId = 0
  let gone: Error | undefined

  const die = (cause: unknown) => {
    gone ??= new ThreadDied(`the thread of ${url.pathname.split('/').slice(-2).join('/')} ended`, { cause })
    opened.reject(gone)
    death.reject(gone)
    for (const call of waiting.values()) call.reject(gone)
    waiting.clear()
  }
  worker.on('error', die)
  worker.on('exit', (code) => die(new Error(`exit code ${code}`)))
  worker.on('message', (message: Reply | Ready) => {
    if ('ready' in message) {
      if (message.ready) opened.resolve()
      else opened.reject(new RemoteError(message.error))
      return
    }
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error) call?.reject(new RemoteError(message.error))
    else call?.resolve(message.value)
  })
  worker.postMessage({ open: data } satisfies Opening)
  await opened.promise.catch(async (error) => {
    await worker.terminate()
    throw error
  })

  const call = (method: string, ...args: unknown[]): Promise<unknown> => {
    if (gone) return Promise.reject(gone)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const id = nextId++
    waiting.set(id, { resolve, reject })
    worker.postMessage({ id, method, args } satisfies Request)
    return promise
  }
  return {
    call: call as Thread<M>['call'],
    died: death.promise,
    async [Symbol.asyncDispose]() {
      if (gone) return
      const exited = new Promise((resolve) => worker.once('exit', resolve))
      worker.postMessage({ id: -1, method: closeMethod, args: [] } satisfies Request)
      await exited
    },
  }
}

const closeMethod = '$close'

/** Called once at the end of a thread's file: opens what it is told to, and serves it. */
export function serveThread<D, M extends Methods>(open: (data: D) => { methods: M; close(): void }): void {
  const port = parentPort as MessagePort
  port.once('message', ({ open: data }: Opening) => {
    try {
      const { methods, close } = open(data as D)
      port.on('message', ({ id, method, args }: Request) => {
        if (method === closeMethod) {
          close()
          port.close()
          return
        }
        void answer(port, id, () => (methods[method] as (...args: unknown[]) => unknown)(...args))
      })
      port.postMessage({ ready: true } satisfies Ready)
    } catch (error) {
      port.postMessage({ ready: false, error: errorShape(error) } satisfies Ready)
    }
  })
}

async function answer(port: MessagePort, id: number, run: () => unknown): Promise<void> {
  try {
    port.postMessage({ id, value: await run() } satisfies Reply)
  } catch (error) {
    port.postMessage({ id, error: errorShape(error) } satisfies Reply)
  }
}
