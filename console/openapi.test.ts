import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { openNetwork } from '../core/net/index.ts'
import { startEdgeAuth } from '../test/edge-auth.ts'
import { silent } from '../test/hub-in-process.ts'
import { createConsole } from './index.ts'

const written = new URL('../docs/admin-api.openapi.json', import.meta.url)

test('the description of the administration API is the one that is published', async () => {
  await using edge = await startEdgeAuth()
  await using console = createConsole(
    {
      ...{ health: () => ({ ok: true, faults: [] }), missing: () => [], gauges: async () => [], log: silent },
      administration: edge.auth.administration,
    },
    { listen: '127.0.0.1:0' },
  )
  const { admin } = await console.listen()
  const answer = await openNetwork().http({ method: 'GET', url: `${admin}/api/v1/openapi.json` })
  const described = JSON.parse(answer.body.toString())
  expect(Object.keys(described.paths)).toEqual(
    expect.arrayContaining(['/api/v1/session', '/api/v1/sessions/{id}', '/api/v1/options/{category}/{key}']),
  )
  expect(described.paths['/api/v1/audit'].get['x-permission']).toEqual({ category: 'Audits', act: 'read' })
  expect(described.paths['/api/v1/audit'].get.security).toEqual([{ cookie: [], secret: [] }])
  // After a change: write the answer to the file, and look at what differs.
  expect(described).toEqual(JSON.parse(await readFile(written, 'utf8')))
})
