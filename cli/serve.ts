import { systemClock } from '../core/clock.ts'
import type { Logger } from '../core/log.ts'
import {
  createServiceManager,
  noServiceManager,
  type ServiceManager,
  systemdNotify,
  takeNotifySettings,
} from '../core/service-manager.ts'
import { runTasks } from '../core/tasks.ts'
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
  const manager = serviceManager(context.log)
  signal.addEventListener('abort', () => manager.stopping())
  await using service = await context.open()
  process.on('SIGHUP', () => manager.reload(() => service.reload?.()))
  await runTasks(
    signal,
    (both) =>
      service.serve(both, (addresses) => {
        process.stdout.write(`${JSON.stringify({ ready: true, ...addresses })}\n`)
        manager.ready()
      }),
    (both) => manager.run(service, both),
  )
  context.log.info('stopped')
}

function serviceManager(log: Logger): ServiceManager {
  const settings = takeNotifySettings(process.env, [process.pid, process.ppid])
  if (settings === undefined) return noServiceManager
  const send = systemdNotify(settings.socket, process.env)
  return createServiceManager({ clock: systemClock, log, send }, settings)
}
