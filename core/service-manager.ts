import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Clock } from './clock.ts'
import type { Logger } from './log.ts'
import type { ProofOfLife, Silence } from './proof-of-life.ts'
import { aborted, runTasks } from './tasks.ts'

/** What systemd wants to be told, and where (sd_notify). */
export interface NotifySettings {
  socket: string
  /** Without a word of life for so long, it kills and restarts this process. */
  watchdogMs?: number
}

export interface Told {
  life: Pick<ProofOfLife, 'silences'>
  /** A few words for `systemctl status`. */
  summary(): Promise<string>
}

/** Whoever started this process and watches it. */
export interface ServiceManager {
  /** Everything listens. */
  ready(): void
  reload(reload: () => void): void
  stopping(): void
  /** From `ready` on: feeds the watchdog while the process is alive in all its parts; until aborted. */
  run(told: Told, signal: AbortSignal): Promise<void>
}

export interface ServiceManagerDeps {
  clock: Clock
  log: Logger
  /** Resolves when the manager has taken note. */
  send(lines: readonly string[]): Promise<void>
}

const statusEveryMs = 60_000
const servesStatus = 'serves'

export function createServiceManager(
  { clock, log, send }: ServiceManagerDeps,
  { watchdogMs }: Pick<NotifySettings, 'watchdogMs'>,
): ServiceManager {
  const served = new AbortController()
  let last: Promise<void> = Promise.resolve()
  let isUnheard = false

  /** One after the other, as they were said. */
  function say(...lines: string[]): Promise<void> {
    last = last.then(async () => {
      try {
        await send(lines)
        isUnheard = false
      } catch (err) {
        if (!isUnheard) log.error({ err }, 'the service manager cannot be told')
        isUnheard = true
      }
    })
    return last
  }

  async function feed(life: Told['life'], withinMs: number, signal: AbortSignal): Promise<void> {
    const complain = complaints(log)
    while (!signal.aborted) {
      const silent = life.silences(withinMs / 2)
      complain(silent)
      if (silent.length === 0) await say('WATCHDOG=1')
      await clock.sleep(withinMs / 3, signal).catch(() => {}) // aborted: the loop ends
    }
  }

  async function tellStatus(summary: Told['summary'], signal: AbortSignal): Promise<void> {
    let said = servesStatus
    while (!signal.aborted) {
      const status = (await summary().catch(() => said)).replaceAll(/\s+/g, ' ')
      if (status !== said && !signal.aborted) await say(`STATUS=${status}`)
      said = status
      await clock.sleep(statusEveryMs, signal).catch(() => {}) // aborted: the loop ends
    }
  }

  return {
    ready() {
      void say('READY=1', `STATUS=${servesStatus}`)
      served.abort()
    },
    reload(reload) {
      void say('RELOADING=1')
      reload()
      void say('READY=1')
    },
    stopping: () => void say('STOPPING=1', 'STATUS=stops'),
    async run({ life, summary }, signal) {
      await Promise.race([aborted(served.signal), aborted(signal)])
      await runTasks(
        signal,
        (both) => tellStatus(summary, both),
        (both) => (watchdogMs === undefined ? aborted(both) : feed(life, watchdogMs, both)),
      )
    },
  }
}

/** Says each reason once, and when it is over: the last words before the watchdog bites. */
function complaints(log: Logger): (silent: readonly Silence[]) => void {
  const known = new Set<string>()
  return (silent) => {
    for (const { name, forMs } of silent) {
      if (known.has(name)) continue
      known.add(name)
      log.error({ silent: name, forMs: Math.round(forMs) }, 'no sign of life; the watchdog is not fed')
    }
    for (const name of known) {
      if (silent.some((still) => still.name === name)) continue
      known.delete(name)
      log.info({ silent: name }, 'a sign of life again')
    }
  }
}

/** Nobody wants to be told: in a terminal, in a container. */
export const noServiceManager: ServiceManager = {
  ready() {},
  reload: (reload) => reload(),
  stopping() {},
  run: (_told, signal) => aborted(signal),
}

/**
 * Takes what systemd has left in the environment out of it, so that no child speaks in our name. A launcher
 * may stand between systemd and this process, so the watchdog may be meant for the parent.
 */
export function takeNotifySettings(
  env: NodeJS.ProcessEnv,
  pids: readonly number[],
): NotifySettings | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdog, WATCHDOG_PID: pid } = env
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name]
  if (socket === undefined || socket === '') return undefined
  const isOurs = pid === undefined || pids.includes(Number(pid))
  const watchdogMs = Number(watchdog) / 1_000
  return { socket, ...(isOurs && watchdogMs > 0 ? { watchdogMs } : {}) }
}

/** Longer than `systemd-notify` waits by itself for the manager to take note. */
const patienceMs = 8_000
const run = promisify(execFile)

/** By systemd's own program: Node has no datagram sockets of the Unix domain. */
export const systemdNotify =
  (socket: string, env: NodeJS.ProcessEnv): ServiceManagerDeps['send'] =>
  async (lines) => {
    await run('systemd-notify', [...lines], {
      env: { PATH: env.PATH, NOTIFY_SOCKET: socket },
      timeout: patienceMs,
      killSignal: 'SIGKILL',
    })
  }
