import { writeFileSync } from 'node:fs'
import { LogLevel, setLogLevel } from 'node-opcua-client'
import { systemClock } from '../../../../core/clock.ts'
import type { Calls, ToChild, ToParent } from '../messages.ts'
import { faultOf } from './connection.ts'
import { createLink, type Link } from './link.ts'

/**
 * The OPC UA stack, in a process of its own: it takes its memory only while a source needs it, and what
 * a server does to it happens to nobody else. Ends with the process that started it.
 */
const links = new Map<number, Link>()
const tell = (message: ToParent): void => {
  process.send?.(message, undefined, undefined, () => {}) // gone: the end comes by itself
}

function linkOf(id: number): Link {
  const link = links.get(id) ?? createLink({ clock: systemClock, tell }, id)
  links.set(id, link)
  return link
}

const calls: { [K in keyof Calls]: (...args: Parameters<Calls[K]>) => Promise<ReturnType<Calls[K]>> } = {
  open: (link, opening) => linkOf(link).open(opening),
  subscribe: (link, publishingMs, items) => linkOf(link).subscribe(publishingMs, items),
  read: (link, items, at) => linkOf(link).read(items, at),
  browse: (link, asked) => linkOf(link).browse(asked),
  async close(link) {
    const found = links.get(link)
    links.delete(link)
    await found?.close()
  },
  async end() {
    await Promise.all([...links.values()].map((link) => link.close()))
    links.clear()
  },
}

async function answer({ id, call, args }: Extract<ToChild, { call: string }>): Promise<void> {
  try {
    const run = calls[call] as (...given: unknown[]) => Promise<unknown>
    tell({ id, result: await run(...args) })
  } catch (error) {
    tell({ id, fault: faultOf(error) })
  }
}

// When memory runs out, this process is to go and not the daemon.
try {
  writeFileSync('/proc/self/oom_score_adj', '500')
} catch {} // a system without it
setLogLevel(LogLevel.Error)
// Who ends the daemon signals its whole group; the daemon closes the connections first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
process.on('disconnect', () => process.exit())
process.on('message', (message: ToChild) => {
  if ('kept' in message) links.get(message.link)?.kept(message.kept)
  else void answer(message)
})
tell({ ready: true })
