import { expect, test } from 'vitest'
import { openNetwork } from '../core/net/index.ts'
import { silent } from '../test/hub-in-process.ts'
import { createConsole } from './index.ts'

test('metrics are what the box says of itself at that moment; what is not known is not told', async () => {
  let waiting = 3
  await using admin = createConsole(
    {
      health: () => ({ ok: true, faults: [] }),
      missing: () => [],
      gauges: async () => [
        {
          name: 'box_state',
          help: 'State.',
          samples: [
            { labels: { state: 'on' }, value: 1 },
            { labels: { state: 'off' }, value: 0 },
          ],
        },
        { name: 'box_waiting', help: 'What waits.', samples: [{ value: waiting }] },
        { name: 'box_rotated', help: 'Never yet.', samples: [] },
      ],
      administration: async () => {},
      log: silent,
    },
    { listen: '127.0.0.1:0' },
  )
  const address = (await admin.listen()).admin
  const scrape = async () =>
    (await openNetwork().http({ method: 'GET', url: `${address}/metrics` })).body.toString()
  const text = await scrape()
  expect(text).toContain('box_state{state="on"} 1\nbox_state{state="off"} 0\n')
  expect(text).toContain('# TYPE box_waiting gauge\nbox_waiting 3\n')
  expect(text).not.toMatch(/^box_rotated/m)
  waiting = 4
  expect(await scrape()).toContain('box_waiting 4\n')
})

test('pages come with a policy that lets in nothing from elsewhere, and are not sent twice', async () => {
  await using admin = createConsole(
    {
      ...{ health: () => ({ ok: true, faults: [] }), missing: () => [], gauges: async () => [], log: silent },
      administration: async () => {},
    },
    { listen: '127.0.0.1:0' },
  )
  const address = (await admin.listen()).admin
  const ask = (path: string, headers = {}) =>
    openNetwork().http({ method: 'GET', url: `${address}${path}`, headers })
  const start = await ask('/')
  const page = start.body.toString()
  expect(start.headers['content-type']).toBe('text/html; charset=utf-8')
  for (const path of page.matchAll(/(?:href|src)="([^"]+)"/g)) {
    const file = await ask(path[1] as string)
    expect([path[1], file.status]).toEqual([path[1], 200])
    expect(file.headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self';/)
    expect(file.headers['x-content-type-options']).toBe('nosniff')
  }
  expect(page).not.toMatch(/<script>|<style| on\w+=/)
  const again = await ask('/', { 'if-none-match': start.headers.etag })
  expect([again.status, again.body.length]).toEqual([304, 0])
  expect((await ask('/console/answers.d.ts')).status).toBe(404)
  expect((await ask('/console/..%2findex.ts')).status).toBe(404)
  expect((await ask('/readyz')).headers['content-security-policy']).toMatch(/^default-src 'none'; frame-/)
})
