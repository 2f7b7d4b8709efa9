import type { Database } from '../../../core/sqlite.ts'
import type { Proof } from '../../time/guard.ts'
import type { Frame, Uncounteds } from '../frame.ts'
import { type Accounts, createAccounts } from './accounts.ts'
import { type Acknowledgements, createAcknowledgements, type Part } from './acknowledgements.ts'
import { type Bodies, createBodies } from './bodies.ts'
import { epochTable } from './epoch-table.ts'
import { createEpochs, type Epoch, type Epochs } from './epochs.ts'
import { frameTable } from './frame-table.ts'
import { gapTable } from './gap-table.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { epochAt, positionOf } from './position.ts'
import { proofTable } from './proof-table.ts'
import { createRoom, type Room } from './room.ts'
import { createStock, type Stock } from './stock.ts'
import { tallyTable } from './tally-table.ts'

export interface JournalConfig {
  path: string
  /** The new epoch, and the ledger that a new file begins. */
  epoch: string
  ledger: string
  boot: string
  /** Numbers of epochs up to here are taken: somebody remembers their positions. 0 in a new process. */
  floor: number
  /** The process lives on and has what was in memory: the epoch before has not crashed. */
  isSuccessor: boolean
  /**
   * A broken file was set aside: what is known of the time in which its readings were taken. Said in the
   * ledger of the file that follows it, once: in the transaction that begins it.
   */
  quarantined?: { epochs: readonly string[]; since: number }
  now: number
  maxBytes: number
  ballastBytes: number
  whenFull: 'drop_oldest' | 'refuse_new'
  maxAgeMs?: number
}

/** A sealed frame that is not on disk. */
export interface Held extends Frame {
  /** It is given out though it is not on disk. */
  isGivenOut: boolean
}

/** All that the journal keeps, on disk and in memory. */
export interface Books {
  readonly db: Database
  readonly config: JournalConfig
  readonly frames: ReturnType<typeof frameTable>
  readonly proofs: ReturnType<typeof proofTable>
  readonly epochRows: ReturnType<typeof epochTable>
  readonly epochs: Epochs
  readonly accounts: Accounts
  readonly acknowledgements: Acknowledgements
  readonly bodies: Bodies
  readonly ledger: Ledger
  readonly room: Room
  readonly stock: Stock
  /** By seq of the current epoch. */
  readonly held: Map<number, Held>
  nextSeq: number
  /** Of this start of the box. */
  proof: Proof | undefined
  /** Names the last counts that came in. */
  counted: string
  /** What is to be dropped next, or by age, is not below. */
  dropFrom: number
  ageFrom: number
  compactFrom: number
  /** In a transaction. */
  saveTally(): void
  count(uncounteds: Uncounteds | undefined): void
  /** After its commit. */
  hasCounted(uncounteds: Uncounteds | undefined): void
  partsOf(epoch: Epoch, runs: readonly number[]): Part[]
  epochOf(position: number): Epoch
}

/** Begins the new epoch. To be called in a transaction. */
export function openBooks(db: Database, config: JournalConfig): Books {
  const frames = frameTable(db)
  const tallies = tallyTable(db)
  const epochRows = epochTable(db)
  const epochs = createEpochs(epochRows, { ...config, name: config.epoch })
  const tally = tallies.begin(config.ledger)
  const ledger = createLedger(gapTable(db), tally.ledger)
  const bodies = createBodies(epochs)
  const accounts = createAccounts()
  const epochOf = (position: number) => epochs.byId(epochAt(position)) as Epoch
  const partsOf = ({ id }: Epoch, runs: readonly number[]) => partsIn(runs, epochs.textOf(id))
  const acknowledgements = createAcknowledgements({
    batchesOf: (position) => bodies.decode(epochOf(position), frames.body(position) as Buffer),
    partsOf: ({ position, runs }) => partsOf(epochOf(position), JSON.parse(runs) as number[]),
  })
  const unsettled = frames.countFrom(tally.next)
  const stock = createStock(
    { frames, tallies, ledger, epochs, accounts, acknowledgements },
    { batches: tally.batches + unsettled.batches, readings: tally.readings + unsettled.readings },
  )

  const books: Books = {
    ...{ db, config, frames, epochRows, epochs, accounts, acknowledgements, bodies, ledger, stock },
    proofs: proofTable(db),
    room: createRoom(db, config),
    held: new Map(),
    nextSeq: 1,
    proof: undefined,
    counted: tally.counted,
    dropFrom: 0,
    ageFrom: 0,
    compactFrom: 0,
    saveTally() {
      const lowest = Math.min(books.nextSeq, ...books.held.keys())
      stock.saveTally(positionOf(epochs.current.id, lowest))
    },
    count(uncounteds) {
      if (uncounteds === undefined || uncounteds.id === books.counted) return
      ledger.add(uncounteds.losses.map((loss) => ({ ...loss, epoch: epochs.current.name })))
      tallies.saveCounted(uncounteds.id)
    },
    hasCounted(uncounteds) {
      if (uncounteds === undefined || uncounteds.id === books.counted) return
      books.counted = uncounteds.id
      for (const { source, reason, count } of uncounteds.losses) accounts.passOver(source, reason, count)
    },
    partsOf,
    epochOf,
  }
  noteCrashes(books)
  if (tally.isNew) noteQuarantine(books)
  return books
}

/** What former epochs took with them. */
function noteCrashes({ epochs, ledger, config: { now } }: Books): void {
  for (const { name, aliveAt } of epochs.crashed)
    ledger.add([{ epoch: name, reason: 'crash', since: Math.min(aliveAt, now), until: now }])
}

function noteQuarantine({ ledger, config: { now, quarantined } }: Books): void {
  for (const epoch of quarantined?.epochs ?? [])
    ledger.add([{ epoch, reason: 'quarantine', since: Math.min(quarantined?.since ?? now, now), until: now }])
}

function partsIn(runs: readonly number[], textOf: (alias: number) => string | undefined): Part[] {
  return Array.from({ length: runs.length / 3 }, (_, k) => ({
    source: textOf(runs[3 * k] as number) as string,
    first: runs[3 * k + 1] as number,
    readings: runs[3 * k + 2] as number,
  }))
}
