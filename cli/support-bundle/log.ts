import { type LogPlace, lastLines } from '../logs/index.ts'
import type { Part } from './part.ts'
import { createPseudonyms } from './persons.ts'

const mostLines = 20_000
const mostCharacters = 16 * 1024 * 1024

/** The newest of what was logged, the oldest first. */
export const logPart = (place: LogPlace, sinceAt: number): Part => ({
  path: 'log.jsonl',
  about: 'what was logged, names and addresses replaced',
  async collect(signal) {
    const replaced = createPseudonyms()
    const lines = await lastLines(place, { lines: mostLines, sinceAt }, signal)
    const kept: string[] = []
    let left = mostCharacters
    for (const line of lines.reverse()) {
      const text = `${JSON.stringify(replaced(line))}\n`
      left -= text.length
      if (left < 0) break
      kept.push(text)
    }
    return kept.reverse().join('')
  },
})
