import type { Context } from './context.ts'

/** Signals that end a process in order; the second one ends it at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(1)
      stop.abort(new Error(name))
    })
  return stop.signal
}

/** Serves until SIGINT or SIGTERM. The one line on stdout says that it serves, and where. */
export async function serve(context: Context): Promise<void> {
  const signal = stopSignal()
  await using service = await context.open()
  process.on('SIGHUP', () => service.reload?.())
  await service.serve(signal, (addresses) =>
    process.stdout.write(`${JSON.stringify({ ready: true, ...addresses })}\n`),
  )
  context.log.info('stopped')
}
