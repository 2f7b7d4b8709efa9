import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from '../../../core/sqlite.ts'
import { maxLogBytes, pageBytes, sizeOf } from './file.ts'

/** The space on disk: what the outbox may take, and what there is. */
export interface Room {
  /** Pages that may still be filled. */
  freePages(): number
  /** Sees to it that the ballast is enough to bring what the log holds into the database. */
  prepare(): void
  /** The disk is full: gives the ballast up, so that there is room to delete. */
  giveUpBallast(): void
  /** Looks whether space has returned. */
  look(): void
  isDiskFull(): boolean
  /** Of database, log and ballast. */
  bytes(): number
}

const ballastChunk = Buffer.alloc(65_536, 0xa5)

export function createRoom(
  db: Database,
  { path, maxBytes, ballastBytes }: { path: string; maxBytes: number; ballastBytes: number },
): Room {
  const ballast = ballastOf(path)
  const quotaPages = Math.max(1000, Math.floor((maxBytes - maxLogBytes - ballastBytes) / pageBytes))
  let isDiskFull = false
  let maxPages = quotaPages

  const pragma = (name: string) => db.pragma(name, { simple: true }) as number
  function limitTo(pages: number): void {
    maxPages = pages
    db.pragma(`max_page_count = ${pages}`)
  }
  const availableBytes = () => {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize
  }

  /** Then the log begins anew in the space that it has. False when the disk is full. */
  function checkpoint(): boolean {
    try {
      db.pragma('wal_checkpoint(PASSIVE)')
      return true
    } catch (error) {
      if (!/^SQLITE_(FULL|IOERR)/.test((error as { code?: string }).code ?? '')) throw error
      return false
    }
  }

  function giveUp(): void {
    giveUpBallast(path)
    checkpoint()
    if (!isDiskFull) limitToWhatThereIs()
  }

  /** A part of what the ballast frees; the rest is for what the log holds already, and for the log. */
  function limitToWhatThereIs(): void {
    isDiskFull = true
    limitTo(Math.min(quotaPages, pragma('page_count') + Math.floor(ballastBytes / 4 / pageBytes)))
  }

  function look(): void {
    const isMade = sizeOf(ballast) >= ballastBytes
    if (isMade && !isDiskFull) return
    // Space for the ballast and for as much again; else it would be given up at once.
    const needed = 2 * ballastBytes + Math.max(0, maxLogBytes - sizeOf(`${path}-wal`))
    if (availableBytes() < needed || !(isMade || makeBallast(ballast, ballastBytes))) {
      if (!isDiskFull) limitToWhatThereIs()
      return
    }
    isDiskFull = false
    limitTo(quotaPages)
  }

  limitTo(quotaPages)
  return {
    freePages: () => maxPages - pragma('page_count') + pragma('freelist_count'),
    prepare() {
      const inLogAlone = pragma('page_count') * pageBytes - sizeOf(path)
      if (inLogAlone > ballastBytes / 2 && !checkpoint()) giveUp()
    },
    giveUpBallast: giveUp,
    look,
    isDiskFull: () => isDiskFull,
    bytes: () => sizeOf(path) + sizeOf(`${path}-wal`) + sizeOf(ballast),
  }
}

const ballastOf = (path: string): string => `${path}.ballast`

/** For a database that cannot even be opened for want of space. False when there was none to give up. */
export function giveUpBallast(path: string): boolean {
  const isThere = sizeOf(ballastOf(path)) > 0
  rmSync(ballastOf(path), { force: true })
  return isThere
}

/** Of real blocks: a hole would free nothing. False when they are not to be had. */
function makeBallast(path: string, bytes: number): boolean {
  try {
    const file = openSync(path, 'w', 0o600)
    try {
      for (let at = 0; at < bytes; at += ballastChunk.length)
        writeSync(file, ballastChunk, 0, Math.min(ballastChunk.length, bytes - at), at)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    rmSync(path, { force: true })
    return false
  }
}
