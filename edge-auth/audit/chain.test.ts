import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../core/sqlite.ts'
import { auditTable } from '../store/audit.ts'
import type { AuditEntry, Store } from '../store/index.ts'
import { type SeenHead, verifyAudit } from './verification.ts'

let dir: string
let db: Database
let audit: ReturnType<typeof auditTable>

const open = (maxBytes = 1e9) => {
  const migrations = new URL('../store/migrations/', import.meta.url)
  db = openDatabase(join(dir, 'auth.db'), { migrations })
  audit = auditTable(db, { maxBytes })
}
const noted = (text: string, deviceTime = 0): AuditEntry => ({ type: 'custom', detail: { text }, deviceTime })
const verify = (seen?: SeenHead) =>
  verifyAudit(
    {
      verifyAudit: async (...given: Parameters<Store['verifyAudit']>) => audit.verify(...given),
      auditHead: async () => audit.head(),
    },
    seen,
  )

/** Two stretches of six entries, and five that nobody has signed for yet. */
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'edgeward-audit-'))
  open()
  db.transaction(() => {
    for (let n = 1; n <= 17; n++) {
      audit.add([noted(`entry ${n}`, n)])
      if (n % 6 === 0) audit.checkpoint(n)
    }
  })()
})
afterEach(() => {
  db.close()
  rmSync(dir, { recursive: true })
})

test('the audit is whole, also after a start, and when texts are strange', async () => {
  const strange = 'a\u0000b \u{1F600} \ud800 \uffff'
  audit.add([{ ...noted(strange), user: strange, userAgent: '\udc00', clientId: '' }])
  db.close()
  open()
  audit.add([noted('after the start')])
  const { head, ...found } = await verify()
  expect(found).toEqual({ isGood: true, entries: 19, checkpoints: 2 })
  expect(head).toMatchObject({ id: 19, checkpoint: { id: 12, after: 6, time: 12 } })
  for (const id of [1, 6, 7, 17, 19]) {
    const { hash } = db.prepare('SELECT lower(hex(hash)) AS hash FROM audit WHERE id = ?').get(id) as SeenHead
    expect(await verify({ id, hash })).toMatchObject({ isGood: true })
  }
})

describe('what was tampered with is found', () => {
  const nothing = `detail = '{"text":"nothing"}'`
  const leaving = (hash: string) => `hash = (SELECT hash FROM audit WHERE id = ${hash})`
  test.each([
    ['a changed entry', `UPDATE audit SET ${nothing} WHERE id = 5`, 'changed', 5],
    ['a changed moment', 'UPDATE audit SET device_time = 99 WHERE id = 1', 'changed', 1],
    ['a changed entry and hash', `UPDATE audit SET ${nothing}, ${leaving('4')} WHERE id = 5`, 'changed', 5],
    ['the newest entry', `UPDATE audit SET user = 'ann' WHERE id = 17`, 'changed', 17],
    ['a removed entry', 'DELETE FROM audit WHERE id = 8', 'missing', 8],
    ['a beginning that nobody has signed for', 'DELETE FROM audit WHERE id <= 3', 'missing', 1],
    ['an end that was signed for', 'DELETE FROM audit WHERE id >= 12', 'missing', 12],
    ['all entries', 'DELETE FROM audit; DELETE FROM audit_checkpoint WHERE id = 6', undefined, 0],
    ['a removed stretch in the middle', 'DELETE FROM audit WHERE id BETWEEN 7 AND 12', 'missing', 7],
    ['a forged moment', 'UPDATE audit_checkpoint SET time = 7 WHERE id = 6', 'forged_checkpoint', 6],
    ['a forged hash', `UPDATE audit_checkpoint SET ${leaving('5')} WHERE id = 12`, 'forged_checkpoint', 12],
    ['the first checkpoint', 'DELETE FROM audit_checkpoint WHERE id = 6', 'missing_checkpoint', 6],
    [
      'two entries with their hashes',
      'UPDATE audit SET id = 99 WHERE id = 7; UPDATE audit SET id = 7 WHERE id = 8; UPDATE audit SET id = 8 WHERE id = 99',
      'reordered',
      7,
    ],
    [
      'two entries without their hashes',
      `UPDATE audit SET detail = json_object('text', CASE id WHEN 7 THEN 'entry 8' ELSE 'entry 7' END),
                        device_time = 15 - id WHERE id IN (7, 8)`,
      'reordered',
      7,
    ],
  ])('%s', async (_what, tamper, kind, id) => {
    db.exec(tamper)
    const found = await verify()
    expect(found.isGood).toBe(kind === undefined) // only the hub can know
    expect(found.fault).toEqual(kind && { kind, id })
  })

  test('all that was written anew, by the checkpoints, and without them by a head that was seen', async () => {
    const { head } = await verify()
    db.exec(`UPDATE audit SET ${nothing} WHERE id = 5`)
    rewrite()
    expect(await verify()).toMatchObject({ isGood: false, fault: { kind: 'forged_checkpoint', id: 6 } })
    db.exec('DELETE FROM audit_checkpoint')
    expect(await verify()).toMatchObject({ isGood: true })
    expect(await verify(head)).toMatchObject({ fault: { kind: 'other_chain', id: 17 } })
    expect(await verify({ ...head, id: 18 })).toMatchObject({ fault: { kind: 'missing', id: 18 } })
  })
})

/** What somebody could do who knows how the chain is made, and has not the key. */
function rewrite(): void {
  let previous: Buffer = Buffer.alloc(32)
  for (const { hash: _, ...row } of db.prepare('SELECT * FROM audit ORDER BY id').all() as {
    hash: Buffer
  }[]) {
    const text = JSON.stringify(Object.values(row))
    previous = createHash('sha256').update(previous).update(text).digest()
    db.prepare('UPDATE audit SET hash = ? WHERE id = ?').run(previous, (row as { id: number }).id)
  }
}

const old = (before: number, type = '*') => ({ before, type, fragmentType: '*', source: '*' })
const ids = () =>
  (db.prepare('SELECT id FROM audit ORDER BY id').all() as { id: number }[]).map(({ id }) => id)

describe('what is old goes in whole stretches that were signed for', () => {
  test('as soon as the last entry of one is old; what is left is whole', async () => {
    expect(audit.removeOld([old(6)], 100)).toBe(0)
    expect(audit.removeOld([old(10)], 100)).toBe(6)
    expect(ids()).toEqual([7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18])
    expect(audit.list({ limit: 1 })).toMatchObject([
      { type: 'entries_removed', reason: 'age', detail: { upTo: 6, count: 6 }, deviceTime: 100 },
    ])
    expect(await verify()).toMatchObject({ isGood: true, entries: 12, checkpoints: 2 })
    expect(audit.removeOld([old(1e6)], 100)).toBe(6) // the others wait for their checkpoint
    db.exec('UPDATE audit_checkpoint SET signature = zeroblob(64) WHERE id = 12')
    expect(await verify()).toMatchObject({ fault: { kind: 'forged_checkpoint', id: 12 } })
  })

  test('by rules of one type only where all are of it', () => {
    audit.add([{ type: 'login', deviceTime: 17 }])
    audit.checkpoint(18)
    expect(audit.removeOld([old(1e6, 'custom')], 100)).toBe(12)
    expect(audit.removeOld([old(1e6, 'custom'), old(1e6, 'login')], 100)).toBe(6)
    expect(ids()).toEqual([19, 20])
  })

  test('an audit of which nothing is left goes on where it ended', async () => {
    audit.checkpoint(17)
    audit.removeOld([old(1e6)], 100)
    audit.checkpoint(101)
    audit.removeOld([old(1e6)], 200)
    audit.add([noted('goes on')])
    expect(ids()).toEqual([19, 20])
    expect(await verify()).toMatchObject({ isGood: true, entries: 2 })
  })

  test('when they take too much room, too', async () => {
    db.close()
    open(500_000)
    const addSome = db.transaction(() => audit.add(Array.from({ length: 500 }, () => noted('x'.repeat(100)))))
    for (let n = 0; n < 8; n++) addSome()
    const { bytes } = db.prepare('SELECT sum(octet_length(detail)) AS bytes FROM audit').get() as {
      bytes: number
    }
    expect(bytes).toBeLessThan(500_000)
    expect(ids().length).toBeGreaterThan(1_000)
    expect(audit.list({ type: 'entries_removed', limit: 1 })).toMatchObject([{ reason: 'size' }])
    expect(await verify()).toMatchObject({ isGood: true })
  })
})
