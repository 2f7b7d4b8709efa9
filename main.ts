import type { Config } from './config.ts'
import { threadUrl } from './core/thread.ts'
import { startAhead } from './core/threads-ahead.ts'
import type { Places, Service, ServiceDeps } from './service.ts'

/** Where everything begins: what a process is made of is loaded when it is known what it is to be. */
export type { Places, Service, ServiceDeps } from './service.ts'

const threadsOfGateway = ['agent/outbox/thread', 'edge-auth/store/thread']

/** Opens the gateway's stores, as their one owner. Throws `StateInUse`. */
export async function openGateway(config: Config, places: Places, deps: ServiceDeps): Promise<Service> {
  // Threads and modules take equally long to load, on a processor each.
  await using threads = startAhead(threadsOfGateway.map((name) => threadUrl(name, import.meta.url)))
  const { composeGateway } = await import('./gateway-main.ts')
  return composeGateway(config, places, { ...deps, openThread: threads.open })
}

/** Opens the hub's stores, as their one owner. Throws `StateInUse`. */
export async function openHubService(config: Config, places: Places, deps: ServiceDeps): Promise<Service> {
  const { composeHub } = await import('./hub-main.ts')
  return composeHub(config, places, deps)
}
