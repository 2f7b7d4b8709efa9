import { encodeBody, type Runs } from '../protocol/columns.ts'
import { encodeMessage, type Name } from '../protocol/message.ts'
import type { Reading } from '../protocol/reading.ts'

/** For tests: what the outbox of a box gives out in one epoch. */
export function createSender(epoch: string) {
  const aliases = new Map<string, number>()
  const batches = new Map<number, Runs>()
  const numbers = new Map<string, number>()

  function aliasOf(text: string): number {
    const alias = aliases.get(text) ?? aliases.size
    aliases.set(text, alias)
    return alias
  }
  const names = (): Name[] => [...aliases].map(([text, alias]) => [alias, text])

  function batch(seq: number, bySource: Readonly<Record<string, readonly Reading[]>>): void {
    const runs = Object.entries(bySource).map(([source, readings]) => {
      const first = (numbers.get(source) ?? 0) + 1
      numbers.set(source, first + readings.length - 1)
      return { source, first, readings: [...readings] }
    })
    batches.set(seq, runs)
  }

  /** Batches that were made before, in one message. */
  function message(from: number, to = from, told: 'told' | 'untold' = 'told'): Buffer {
    const runs = Array.from({ length: to - from + 1 }, (_, k) => batches.get(from + k) ?? [])
    const body = encodeBody({ batches: runs }, aliasOf)
    const header = { epoch, seq: from, count: runs.length }
    return encodeMessage({ ...header, names: told === 'told' ? names() : [], body })
  }

  return {
    epoch,
    aliasOf,
    batch,
    message,
    /** One batch of the source "line", with its message. */
    send(seq: number, ...readings: Reading[]): Buffer {
      batch(seq, { line: readings })
      return message(seq)
    },
    /** A message of one batch whose body is no body. */
    broken(seq: number): Buffer {
      return encodeMessage({ epoch, seq, count: 1, names: [], body: Buffer.from('garbage') })
    },
  }
}

export const reading = (point: string, time: number, value: Reading['value'] = time): Reading => ({
  point,
  time,
  value,
  quality: 0,
})
