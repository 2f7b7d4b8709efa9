import { openCopier, type StateKind } from '../../backup/index.ts'
import { pageCount } from '../../console/index.ts'
import { listMigrations } from '../../core/migrations.ts'
import { openAsItIs } from '../../core/sqlite.ts'
import type { Step } from './step.ts'

/** Whether this release is whole and runs on this machine: what it is made of is loaded and used once. */
export const programSteps = (kinds: readonly StateKind[]): Step[] => [
  {
    name: 'SQLite',
    async run() {
      const db = openAsItIs(':memory:')
      try {
        return { said: `SQLite ${db.prepare<[], string>('SELECT sqlite_version()').pluck().get()}` }
      } finally {
        db.close()
      }
    },
  },
  {
    name: 'Argon2',
    async run() {
      const {
        default: { hash, verify },
      } = await import('@node-rs/argon2')
      if (!(await verify(await hash('self-check'), 'self-check')))
        throw new Error('it does not know its own hash')
      return { said: 'hashes and verifies' }
    },
  },
  {
    name: 'serial ports',
    async run() {
      await import('serialport')
      return { said: 'loaded' }
    },
  },
  {
    name: 'threads',
    async run() {
      await using _thread = await openCopier()
      return { said: 'start' }
    },
  },
  {
    name: 'migrations',
    async run() {
      const all = kinds.flatMap(({ databases }) => databases)
      const counts = all.map(({ name, migrations }) => ({ name, count: listMigrations(migrations).length }))
      const empty = counts.find(({ count }) => count === 0)
      if (empty) throw new Error(`there are none for ${empty.name}`)
      return { said: counts.map(({ name, count }) => `${name} ${count}`).join(', ') }
    },
  },
  {
    name: 'console',
    async run() {
      return { said: `${pageCount()} files` }
    },
  },
]
