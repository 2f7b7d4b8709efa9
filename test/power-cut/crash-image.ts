import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Event } from './recording.ts'

/**
 * What a power cut leaves of a recorded directory. A file is as at its last sync; of what was written
 * since, each sector is there or not. Names are as at the last sync of the directory, or of the file that
 * they name; later ones came to the disk in order up to some point, or each for itself.
 */
export interface Disk {
  apply(event: Event): void
  /** Files as a power cut now could leave them, by name. */
  cut(draw: () => number): Map<string, Buffer>
  /** As they are without one. */
  whole(): Map<string, Buffer>
}

type Change = { at: number; data: Buffer } | { length: number }
type NameChange = { file: number; from?: string; to?: string }

interface Stored {
  synced: Buffer
  since: Change[]
}

export function createDisk(): Disk {
  const files = new Map<number, Stored>()
  const names = new Map<string, number>()
  let syncedNames = new Map<string, number>()
  let nameChanges: NameChange[] = []

  const change = (file: number, what: Change) => files.get(file)?.since.push(what)
  function rename(what: NameChange): void {
    if (what.from !== undefined) names.delete(what.from)
    if (what.to !== undefined) names.set(what.to, what.file)
    nameChanges.push(what)
  }
  function sync(file: number): void {
    const stored = files.get(file)
    if (stored === undefined) return
    stored.synced = applied(stored.synced, stored.since)
    stored.since = []
    syncedNames = renamed(
      syncedNames,
      nameChanges.filter((one) => one.file === file),
    )
    nameChanges = nameChanges.filter((one) => one.file !== file)
  }

  return {
    apply(event) {
      if (event.is === 'create') {
        files.set(event.file, { synced: Buffer.alloc(0), since: [] })
        rename({ file: event.file, to: event.path })
      } else if (event.is === 'unlink') rename({ file: names.get(event.path) ?? 0, from: event.path })
      else if (event.is === 'rename')
        rename({ file: names.get(event.from) ?? 0, from: event.from, to: event.to })
      else if (event.is === 'write') change(event.file, { at: event.offset, data: event.data })
      else if (event.is === 'truncate') change(event.file, { length: event.length })
      else if (event.is === 'sync') sync(event.file)
      else if (event.is === 'syncDir') {
        syncedNames = new Map(names)
        nameChanges = []
      }
    },
    cut(draw) {
      const kept = keptNames(nameChanges, draw)
      const image = new Map<string, Buffer>()
      const torn = tearing(draw)
      for (const [name, file] of renamed(syncedNames, kept)) image.set(name, torn(files.get(file) as Stored))
      return image
    },
    whole: () =>
      new Map(
        [...names].map(([name, file]) => {
          const { synced, since } = files.get(file) as Stored
          return [name, applied(synced, since)]
        }),
      ),
  }
}

function renamed(before: ReadonlyMap<string, number>, changes: readonly NameChange[]): Map<string, number> {
  const after = new Map(before)
  for (const { file, from, to } of changes) {
    if (from !== undefined && after.get(from) === file) after.delete(from)
    if (to !== undefined) after.set(to, file)
  }
  return after
}

/** Half the cuts as a journal of metadata leaves it (a beginning), half each file for itself. */
function keptNames(changes: readonly NameChange[], draw: () => number): NameChange[] {
  if (draw() < 0.5) return changes.slice(0, Math.floor(draw() * (changes.length + 1)))
  const lostFrom = new Map<number, boolean>()
  return changes.filter(({ file }) => {
    const lost = lostFrom.get(file) === true || draw() < 0.5
    lostFrom.set(file, lost)
    return !lost
  })
}

/** The unit that a medium writes whole or not at all. */
const units = [512, 4096]

/** One cut keeps nothing, everything, or each sector (or page) with a chance of its own. */
function tearing(draw: () => number): (stored: Stored) => Buffer {
  const unit = units[Math.floor(draw() * units.length)] as number
  const chance = [0, 1, draw(), draw()][Math.floor(draw() * 4)] as number
  return ({ synced, since }) => {
    if (since.length === 0) return synced
    const whole = applied(synced, since)
    const length = draw() < 0.5 ? whole.length : between(synced.length, whole.length, draw)
    const torn = Buffer.alloc(length)
    synced.copy(torn)
    const cached = Buffer.alloc(Math.max(synced.length, whole.length))
    synced.copy(cached)
    for (const part of since)
      if ('data' in part) keepUnits(part, { cached, torn, unit }, () => draw() < chance)
    return torn
  }
}

/** Where the end of a file may be found: at either of two lengths, or at a sector between. */
function between(one: number, other: number, draw: () => number): number {
  const low = Math.min(one, other)
  const sectors = Math.floor(Math.abs(one - other) / 512)
  return draw() < 0.5 ? one : low + 512 * Math.floor(draw() * (sectors + 1))
}

/** A unit comes to the disk as the cache holds it at that moment, with what was written to it before. */
function keepUnits(
  { at, data }: { at: number; data: Buffer },
  { cached, torn, unit }: { cached: Buffer; torn: Buffer; unit: number },
  kept: () => boolean,
): void {
  data.copy(cached, at)
  for (let start = Math.floor(at / unit) * unit; start < at + data.length; start += unit)
    if (kept()) cached.copy(torn, start, start, start + unit)
}

function applied(before: Buffer, changes: readonly Change[]): Buffer {
  const highest = changes.reduce((max, one) => Math.max(max, 'data' in one ? one.at + one.data.length : 0), 0)
  const room = Buffer.alloc(Math.max(before.length, highest))
  before.copy(room)
  let length = before.length
  for (const one of changes) {
    if ('length' in one) {
      if (one.length < length) room.fill(0, one.length, length)
      length = one.length
    } else {
      one.data.copy(room, one.at)
      length = Math.max(length, one.at + one.data.length)
    }
  }
  if (length <= room.length) return room.subarray(0, length)
  return Buffer.concat([room, Buffer.alloc(length - room.length)])
}

export async function writeImage(image: ReadonlyMap<string, Buffer>, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  for (const [name, content] of image) await writeFile(join(dir, name), content)
}
