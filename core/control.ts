import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { join } from 'node:path'
import { type ErrorShape, NotFound, RemoteError } from './errors.ts'
import { refuseLongPath } from './socket-path.ts'

/**
 * What people and programs can ask of a process: the same functions serve the control socket, the
 * administration API and, while nothing runs, the command line itself.
 * Parameters arrive unchecked; each operation checks its own and throws `Invalid`.
 */
export type Operations = { readonly [name: string]: Operation }
export type Operation = (params: unknown, caller: Caller) => Promise<unknown>

/** On whose behalf an operation runs. Each operation decides by its argument what the caller may do. */
export interface Caller {
  /** Undefined: whoever holds the machine, by its command line or the control socket; may do everything. */
  readonly user?: string
  readonly address?: string | undefined
  readonly requestId?: string | undefined
}

/** Who holds the machine. */
export const machine: Caller = {}

const callers = new AsyncLocalStorage<Caller>()
/** For records of who did what. Never for a decision: outside of an operation there is nobody. */
export const currentCaller = (): Caller | undefined => callers.getStore()

/** For what goes on by itself after the operation that began it. */
export const onNobodysBehalf = <T>(work: () => T): T => callers.exit(work)

/** The socket of the process that owns a state directory. */
export const controlSocket = ({ runtimeDir }: { runtimeDir: string }): string =>
  join(runtimeDir, 'control.sock')

export async function run(
  operations: Operations,
  name: string,
  params: unknown,
  caller: Caller = machine,
): Promise<unknown> {
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (!operation) throw new NotFound(`no operation ${name}`)
  return callers.run(caller, () => operation(params, caller))
}

/**
 * Undefined when nobody serves the socket. Throws `RemoteError` with what the operation threw. Waits as
 * long as the operation takes, unless a signal ends it.
 */
export async function callControl(
  path: string,
  name: string,
  params: unknown,
  signal?: AbortSignal,
): Promise<{ result: unknown } | undefined> {
  refuseLongPath(path)
  const { promise, resolve, reject } = Promise.withResolvers<{ result: unknown } | undefined>()
  const headers = { 'content-type': 'application/json', 'x-request-id': randomUUID() }
  const outgoing = request({
    socketPath: path,
    path: `/${encodeURIComponent(name)}`,
    method: 'POST',
    headers,
    ...(signal ? { signal } : {}),
  })
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
    else reject(error)
  })
  outgoing.on('response', async (answer) => {
    try {
      const text = Buffer.concat(await answer.toArray()).toString()
      const { result, error } = JSON.parse(text) as { result?: unknown; error?: ErrorShape }
      if (error) reject(new RemoteError(error))
      else resolve({ result })
    } catch (error) {
      reject(error)
    }
  })
  outgoing.end(JSON.stringify(params ?? {}))
  return promise
}
