import { expect, test } from 'vitest'
import { choose, judge } from './plan.ts'

const agent = (agentId: string, credentialIssuedAt: number) => ({ tenant: 't', agentId, credentialIssuedAt })
const backup = { boxId: 'A', agent: agent('one', 100) }

test('a box keeps a credential that is as new as the one in the backup, or newer', () => {
  for (const issuedAt of [100, 200])
    for (const wish of [undefined, 'take'] as const)
      expect(judge({ boxId: 'A', agent: agent('one', issuedAt) }, backup, wish)).toEqual({
        isSameBox: true,
        fate: 'kept',
      })
})

test('a box takes a credential that is newer than its own, or where it has none', () => {
  expect(judge({ boxId: 'A', agent: agent('one', 50) }, backup, undefined).fate).toBe('taken')
  expect(judge({ boxId: 'A' }, backup, undefined).fate).toBe('taken')
})

test('a box that became another agent since stays it, unless told', () => {
  const here = { boxId: 'A', agent: agent('two', 200) }
  expect(judge(here, backup, undefined)).toEqual({ isSameBox: true, fate: 'kept' })
  expect(judge(here, backup, 'take').fate).toBe('taken')
})

test('another box takes an identity only when told', () => {
  for (const here of [{}, { boxId: 'B' }, { boxId: 'B', agent: agent('two', 1) }]) {
    expect(judge(here, backup, undefined)).toEqual({ isSameBox: false, fate: 'left' })
    expect(judge(here, backup, 'take')).toEqual({ isSameBox: false, fate: 'taken' })
  }
})

test('without its identity a backup leaves it alone on the same box, too', () => {
  expect(judge({ boxId: 'A' }, backup, 'leave')).toEqual({ isSameBox: true, fate: 'left' })
})

const kind = { identity: ['identity', 'pki'], running: ['outbox.db'] }
const inBackup = ['auth.db', 'identity', 'pki', 'outbox.db']
const chosen = (fate: 'kept' | 'taken' | 'left', isSameAgent: boolean, here: string[]) =>
  choose(kind, { fate, isSameAgent }, { inBackup, here })

test('what is of the identity and what runs on comes only where it belongs', () => {
  expect(chosen('kept', true, ['identity', 'pki', 'outbox.db'])).toEqual(['auth.db'])
  expect(chosen('kept', true, ['identity'])).toEqual(['auth.db', 'pki', 'outbox.db'])
  expect(chosen('kept', false, ['identity', 'pki'])).toEqual(['auth.db'])
  expect(chosen('taken', true, ['identity', 'pki', 'outbox.db'])).toEqual(['auth.db', 'identity', 'pki'])
  expect(chosen('taken', false, ['identity', 'outbox.db'])).toEqual(inBackup)
  expect(chosen('left', false, [])).toEqual(['auth.db'])
})
