import { readFile } from 'node:fs/promises'

/** This machine has the kind of figure, but not this one: no such interface, no such field. */
export class NoSuchFigure extends Error {}

/** This machine does not have the kind of figure. */
export class NotSupported extends Error {}

/** Reads files, each once. */
export function readOnce(): (path: string) => Promise<string> {
  const reading = new Map<string, Promise<string>>()
  return (path) => {
    const text = reading.get(path) ?? readFile(path, 'utf8')
    reading.set(path, text)
    return text
  }
}
