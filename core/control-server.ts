import { type Operations, run } from './control.ts'
import { errorShape } from './errors.ts'
import { createHttpServer, listenUnix } from './http-server.ts'
import type { Logger } from './log.ts'

/** Serves operations on a socket that only this user can open. */
export async function serveControl(
  path: string,
  operations: Operations,
  log: Logger,
): Promise<AsyncDisposable> {
  const server = createHttpServer({ log, bodyLimit: 4 * 1024 * 1024 })
  server.post<{ Params: { operation: string } }>('/:operation', async ({ params, body }, reply) => {
    try {
      return { result: (await run(operations, params.operation, body)) ?? null }
    } catch (error) {
      const shape = errorShape(error)
      if (shape.code === 'internal')
        log.error({ err: error, operation: params.operation }, 'operation failed')
      return reply.status(shape.statusCode).send({ error: shape })
    }
  })
  await listenUnix(server, path, 0o600)
  return { [Symbol.asyncDispose]: () => server.close() }
}
