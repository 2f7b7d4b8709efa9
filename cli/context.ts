import { type Config, loadConfig } from '../config.ts'
import { callControl, controlSocket, run } from '../core/control.ts'
import { EdgeError } from '../core/errors.ts'
import { createLog, type Logger } from '../core/log.ts'
import { createLogRing } from '../core/log-ring.ts'
import type { Places, Service, ServiceDeps } from '../main.ts'
import { ownDoctor } from './own-doctor.ts'
import { becomeOwner, type PlaceOptions, type Role, resolveConfigFile, resolvePlaces } from './places.ts'

/** What every command gets from the options that all share. */
export interface Context {
  json: boolean
  config: Config
  places: Places
  log: Logger
  open(): Promise<Service>
  /** Asks the running process, or does the work itself as the owner of the state. */
  operate<T>(operation: string, params?: object): Promise<T>
}

export type CommonOptions = PlaceOptions & { json?: boolean }

/** `settings` are EDGEWARD_ variables that win over those of the environment. */
export function createContext(
  role: Role,
  options: CommonOptions,
  settings: Readonly<Record<string, string>> = {},
): Context {
  const isRoot = process.getuid?.() === 0
  const places = resolvePlaces(role, options, process.env, isRoot)
  const config = loadConfig({
    file: resolveConfigFile(options, process.env, isRoot),
    env: { ...process.env, ...settings },
  })
  const recent = createLogRing()
  const log = createLog(config.log.level, undefined, recent.add)
  const open = async (deps: ServiceDeps) => {
    // Loaded only here: a command that talks to a running process needs none of the modules.
    const { openGateway, openHubService } = await import('../main.ts')
    return (role === 'hub' ? openHubService : openGateway)(config, places, deps)
  }
  return {
    json: options.json ?? false,
    config,
    places,
    log,
    open: () => open({ log, recent, doctor: ownDoctor(options) }),
    operate: <T>(operation: string, params: object = {}) =>
      // A one-off command tells what it did on stdout; the log of the stores would only be noise.
      operate(
        places,
        () => open({ log: createLog(config.log.level === 'info' ? 'warn' : config.log.level) }),
        operation,
        params,
      ) as Promise<T>,
  }
}

async function operate(
  places: Places,
  open: () => Promise<Service>,
  name: string,
  params: object,
): Promise<unknown> {
  const answer = await callControl(controlSocket(places), name, params)
  if (answer) return answer.result
  becomeOwner(places)
  try {
    await using service = await open()
    return await run(service.operations, name, JSON.parse(JSON.stringify(params))) // as the socket would carry them
  } catch (error) {
    // The owner may have been starting, and serve by now.
    const late = isStateInUse(error) ? await callControl(controlSocket(places), name, params) : undefined
    if (late) return late.result
    throw error
  }
}

const isStateInUse = (error: unknown): boolean => error instanceof EdgeError && error.code === 'state_in_use'
