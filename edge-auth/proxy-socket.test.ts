import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startEdgeAuth } from '../test/edge-auth.ts'

test('proxy.sock is for our own user alone', async () => {
  await using edge = await startEdgeAuth()
  expect((await stat(join(edge.dir, 'proxy.sock'))).mode & 0o777).toBe(0o600)
})

test('an unknown proxy group is said, with its setting', async () => {
  await expect(startEdgeAuth({ proxyGroup: 'no-such-group' })).rejects.toThrow(
    /no-such-group \(auth.proxy_group\)/,
  )
})
