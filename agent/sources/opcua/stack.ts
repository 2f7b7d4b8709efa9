import type { ChildProcess } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import type { Clock } from '../../../core/clock.ts'
import type { Logger } from '../../../core/log.ts'
import { forkOwn } from '../../../core/program.ts'
import type { Random } from '../../../core/random.ts'
import { backoffMs, type RetryPolicy } from '../../../core/retry.ts'
import { threadUrl } from '../../../core/thread.ts'
import type { DeviceError } from '../device-error.ts'
import { errorOf, notInstalled, processEnded } from './faults.ts'
import type {
  BrowseAsked,
  BrowsedNode,
  Calls,
  Item,
  Opening,
  Subscribed,
  ToChild,
  ToParent,
  WireValue,
} from './messages.ts'

/**
 * The OPC UA stack in a process of its own. Starts with the first connection, and again, with a back-off,
 * when it has died; ends when it is disposed. Every failure is a `DeviceError`.
 */
export interface Stack extends AsyncDisposable {
  connect(opening: Opening, events: ConnectionEvents, signal: AbortSignal): Promise<OpcuaConnection>
}

export interface ConnectionEvents {
  /** The next ones come when it resolves, but for what is on the way already. */
  values(values: readonly WireValue[]): Promise<void>
  /** Of nodes that the server did not know when it was asked to watch them. */
  granted(subscribed: Subscribed): void
  /** At most once, and not after `close`. */
  lost(error: DeviceError): void
}

export interface OpcuaConnection {
  subscribe(publishingMs: number, items: readonly Item[]): Promise<Subscribed>
  read(items: readonly Item[], at?: readonly number[]): Promise<WireValue[]>
  browse(asked: BrowseAsked): Promise<BrowsedNode>
  /** Never rejects. */
  close(): Promise<void>
}

export interface StackDeps {
  clock: Clock
  random: Random
  log: Logger
  isInstalled(): boolean
}

const retry: RetryPolicy = { initialMs: 1_000, maxMs: 60_000 }
const startLimitMs = 60_000
const endLimitMs = 5_000
const maxErrorText = 4_096

export function openStack({ clock, random, log, isInstalled }: StackDeps): Stack {
  const links = new Map<number, ConnectionEvents>()
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: DeviceError): void }>()
  const disposed = new AbortController()
  let child: ChildProcess | undefined
  let starting: Promise<ChildProcess> | undefined
  let nextId = 1
  /** Deaths without a minute of life between them. */
  let deaths = 0

  function started(): Promise<ChildProcess> {
    starting ??= start().catch((error) => {
      starting = undefined
      throw error
    })
    return starting
  }

  async function start(): Promise<ChildProcess> {
    if (!isInstalled()) throw notInstalled()
    if (deaths > 0) await clock.sleep(backoffMs(deaths - 1, retry, random), disposed.signal)
    disposed.signal.throwIfAborted()
    const born = forkChild()
    const startedAt = clock.monotonic()
    const ready = Promise.withResolvers<void>()
    let errors = ''
    born.stderr?.on('data', (chunk: Buffer) => {
      errors = `${errors}${chunk}`.slice(-maxErrorText)
    })
    born.on('message', (message: ToParent) => ('ready' in message ? ready.resolve() : take(message)))
    born.on('error', (error) => ready.reject(error))
    born.on('exit', (code, signal) => {
      if (clock.monotonic() - startedAt > retry.maxMs) deaths = 0
      const error = processEnded(signal ?? `exit code ${code}`)
      ready.reject(error)
      died(born, error, errors)
    })
    child = born
    const over = new AbortController()
    const late = clock.sleep(startLimitMs, over.signal).then(() => {
      born.kill('SIGKILL')
    })
    late.catch(() => {}) // it was in time
    await ready.promise.finally(() => over.abort())
    log.info({ pid: born.pid }, 'OPC UA process started')
    return born
  }

  function died(born: ChildProcess, error: DeviceError, stderr: string): void {
    if (child !== born) return
    child = undefined
    starting = undefined
    if (disposed.signal.aborted) log.info('OPC UA process ended')
    else {
      deaths++
      log.error({ err: error, stderr }, 'OPC UA process died')
    }
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
    const orphans = [...links.values()]
    links.clear()
    for (const { lost } of orphans) lost(error)
  }

  function take(message: Exclude<ToParent, { ready: true }>): void {
    if ('values' in message) {
      void took(message.link, message.values)
      return
    }
    if ('granted' in message) {
      links.get(message.link)?.granted(message.granted)
      return
    }
    if ('lost' in message) {
      const events = links.get(message.link)
      links.delete(message.link)
      events?.lost(errorOf(message.lost))
      return
    }
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if ('fault' in message) call?.reject(errorOf(message.fault))
    else call?.resolve(message.result)
  }

  async function took(link: number, values: readonly WireValue[]): Promise<void> {
    try {
      await links.get(link)?.values(values)
    } finally {
      send({ kept: 1, link })
    }
  }

  function send(message: ToChild): void {
    if (child?.connected) child.send(message, () => {}) // gone: its end says so
  }

  function call<K extends keyof Calls>(
    name: K,
    ...args: Parameters<Calls[K]>
  ): Promise<ReturnType<Calls[K]>> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    if (!child?.connected) return Promise.reject(processEnded('it is not there'))
    const id = nextId++
    waiting.set(id, { resolve, reject })
    send({ id, call: name, args } as ToChild)
    return promise as Promise<ReturnType<Calls[K]>>
  }

  return {
    async connect(opening, events, signal) {
      await Promise.race([started(), rejection(signal)])
      signal.throwIfAborted()
      const link = nextId++
      links.set(link, events)
      const close = async () => {
        links.delete(link)
        await call('close', link).catch(() => {}) // the process is gone, and the connection with it
      }
      try {
        await Promise.race([call('open', link, opening), rejection(signal)])
      } catch (error) {
        await close()
        throw error
      }
      return {
        subscribe: (publishingMs, items) => call('subscribe', link, publishingMs, [...items]),
        read: (items, at) => call('read', link, [...items], ...(at ? [[...at]] : [])),
        browse: (asked) => call('browse', link, asked),
        close,
      }
    },
    async [Symbol.asyncDispose]() {
      disposed.abort()
      const last = child
      if (!last) return
      const exited = new Promise<void>((resolve) => last.once('exit', () => resolve()))
      call('end').then(
        () => last.disconnect(),
        () => {}, // it has died
      )
      const over = new AbortController()
      const late = clock.sleep(endLimitMs, over.signal).then(() => void last.kill('SIGKILL'))
      late.catch(() => {}) // it was in time
      await exited.finally(() => over.abort())
    },
  }
}

/** Rejects when the signal aborts, with its reason; never resolves. */
function rejection(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  promise.catch(() => {}) // who raced it has an answer
  return promise
}

/** What a server can make the stack use, at most. */
const maxHeapMb = 256

/** It is given nothing of our environment; what it needs to know comes over the channel. */
function forkChild(): ChildProcess {
  const cache = getCompileCacheDir()
  return forkOwn(threadUrl('child/entry', import.meta.url), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    maxHeapMb,
    env: { HOME: '/nonexistent', ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) },
  })
}
