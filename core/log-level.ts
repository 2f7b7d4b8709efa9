import Type from 'typebox'
import type { Clock } from './clock.ts'
import { currentCaller, type Operations, onNobodysBehalf } from './control.ts'
import { Invalid } from './errors.ts'
import { type Logger, type LogLevel, logLevels } from './log.ts'
import { parser } from './schema.ts'

/** Longest, so that a forgotten level does not fill a journal or wear a card. */
const longestMs = 86_400_000
const usualMs = 900_000

const strict = { additionalProperties: false }
const Module = Type.Optional(Type.String({ minLength: 1, maxLength: 64 }))
const parseNothing = parser(Type.Object({}, strict))
const parseSet = parser(
  Type.Object(
    {
      level: Type.Enum([...logLevels]),
      module: Module,
      forMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: longestMs })),
    },
    strict,
  ),
)
const parseReset = parser(Type.Object({ module: Module }, strict))

export interface LogLevels {
  /** What is written now, of what no module has its own level for. */
  level: LogLevel
  /** As the configuration has it: what comes back. */
  configured: LogLevel
  /** Names of all modules. */
  modules: string[]
  /** What was set, and for how long still. */
  set: { module?: string; level: LogLevel; leftMs: number }[]
}

export interface LevelChange {
  reason: 'set' | 'reset' | 'ended'
  /** All of them unless told. */
  module?: string
  level: LogLevel
  forMs?: number
}

export interface LogLevelDeps {
  log: Logger
  /** Children of the log by their names; theirs follow the log unless they have one of their own. */
  modules: ReadonlyMap<string, Logger>
  clock: Clock
  /** Told of each change, by whom it was made; by itself when nobody is. */
  told(change: LevelChange): void
}

/** The level at run time: `log.level`, `log.setLevel`, `log.resetLevel`. Nothing of it outlives the process. */
export function createLogLevel({ log, modules, clock, told }: LogLevelDeps) {
  const configured = log.level as LogLevel
  /** By module; the empty name is the whole log. */
  const set = new Map<string, { level: LogLevel; until: number; stop: AbortController }>()
  const nameOf = (module: string): { module?: string } => (module === '' ? {} : { module })

  const apply = (): void => {
    log.level = set.get('')?.level ?? configured
    for (const [name, child] of modules) child.level = set.get(name)?.level ?? log.level
  }
  const forget = (module: string, reason: 'reset' | 'ended'): void => {
    const entry = set.get(module)
    if (!entry) return
    entry.stop.abort()
    set.delete(module)
    apply()
    told({ reason, ...nameOf(module), level: (modules.get(module) ?? log).level as LogLevel })
  }
  const shown = (): LogLevels => ({
    level: log.level as LogLevel,
    configured,
    modules: [...modules.keys()].sort(),
    set: [...set].map(([module, { level, until }]) => ({
      ...nameOf(module),
      level,
      leftMs: Math.max(0, Math.round(until - clock.monotonic())),
    })),
  })
  const known = (module = ''): string => {
    if (module === '' || modules.has(module)) return module
    throw new Invalid(`there is no module ${module}`, { cure: `Modules are ${shown().modules.join(', ')}.` })
  }
  const endAfter = (forMs: number, module: string, stop: AbortSignal): void => {
    clock.sleep(forMs, stop).then(
      () => forget(module, 'ended'),
      () => {}, // set anew, or taken back
    )
  }
  const operations: Operations = {
    'log.level': async (params) => {
      parseNothing(params ?? {}, 'log.level')
      return shown()
    },
    'log.setLevel': async (params) => {
      const { level, module, forMs = usualMs } = parseSet(params, 'log.setLevel')
      const name = known(module)
      set.get(name)?.stop.abort()
      const stop = new AbortController()
      set.set(name, { level, until: clock.monotonic() + forMs, stop })
      apply()
      told({ reason: 'set', ...nameOf(name), level, forMs })
      onNobodysBehalf(() => endAfter(forMs, name, stop.signal))
      return shown()
    },
    'log.resetLevel': async (params) => {
      const { module } = parseReset(params ?? {}, 'log.resetLevel')
      for (const name of module === undefined ? [...set.keys()] : [known(module)]) forget(name, 'reset')
      return shown()
    },
  }
  return {
    operations,
    [Symbol.dispose]: (): void => {
      for (const { stop } of set.values()) stop.abort()
    },
  }
}

/** For a process without an audit. */
export const toLog =
  (log: Logger) =>
  (change: LevelChange): void =>
    log.warn({ ...change, actor: actor() }, 'log level changed')

const actor = (): string | undefined => {
  const caller = currentCaller()
  return caller && (caller.user ?? 'machine')
}
