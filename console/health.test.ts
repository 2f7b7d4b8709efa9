import { expect, test } from 'vitest'
import { openNetwork } from '../core/net/index.ts'
import { silent } from '../test/hub-in-process.ts'
import { createConsole } from './index.ts'

const { http } = openNetwork()

test('a box that fails or is not ready says so with 503 and in words', async () => {
  const faults: string[] = ['the outbox has not answered for 42 s']
  const missing: string[] = ['the listeners']
  await using admin = createConsole(
    {
      health: () => ({ ok: faults.length === 0, faults }),
      missing: () => missing,
      gauges: async () => [],
      administration: async () => {},
      log: silent,
    },
    { listen: '127.0.0.1:0' },
  )
  const address = (await admin.listen()).admin
  const ask = async (path: string) => {
    const { status, body } = await http({ method: 'GET', url: `${address}${path}` })
    return [status, JSON.parse(body.toString())]
  }
  expect(await ask('/healthz')).toEqual([503, { status: 'failing', faults: [...faults] }])
  expect(await ask('/readyz')).toEqual([503, { status: 'not ready', missing: [...missing] }])
  faults.pop()
  missing.pop()
  expect(await ask('/healthz')).toEqual([200, { status: 'ok', faults: [] }])
  expect(await ask('/readyz')).toEqual([200, { status: 'ready' }])
})
