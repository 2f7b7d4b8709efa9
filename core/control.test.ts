import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callControl, type Operations } from './control.ts'
import { serveControl } from './control-server.ts'
import { Conflict, Invalid } from './errors.ts'
import { createLog } from './log.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgeward-control-'))
})
afterAll(() => rm(dir, { recursive: true }))

const operations: Operations = {
  echo: async (params) => params,
  nothing: async () => undefined,
  conflict: async () => {
    throw new Conflict('there already', 'twice')
  },
  invalid: async () => {
    throw new Invalid('no', { cure: 'say yes', details: ['a', 'b'] })
  },
  hang: () => new Promise(() => {}),
  bug: async () => {
    throw new TypeError('x is not a function')
  },
}

test('operations answer over a socket that only its owner can open, and their errors keep their shape', async () => {
  const path = join(dir, 'control.sock')
  expect(await callControl(path, 'echo', {})).toBeUndefined()
  await using _server = await serveControl(path, operations, createLog('silent'))
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await callControl(path, 'echo', { a: [1] })).toEqual({ result: { a: [1] } })
  expect(await callControl(path, 'nothing', {})).toEqual({ result: null })
  await expect(callControl(path, 'conflict', {})).rejects.toMatchObject({
    code: 'twice',
    exitCode: 1,
    statusCode: 409,
  })
  await expect(callControl(path, 'invalid', {})).rejects.toMatchObject({
    cure: 'say yes',
    details: ['a', 'b'],
    exitCode: 2,
  })
  await expect(callControl(path, 'bug', {})).rejects.toMatchObject({ code: 'internal' })
  for (const name of ['toString', '__proto__', 'no-such'])
    await expect(callControl(path, name, {})).rejects.toMatchObject({ code: 'not_found' })
})

test('whoever asks can stop waiting', async () => {
  const path = join(dir, 'patient.sock')
  await using _server = await serveControl(path, operations, createLog('silent'))
  await expect(callControl(path, 'hang', {}, AbortSignal.timeout(50))).rejects.toMatchObject({
    name: 'AbortError',
  })
})

test('a path that the kernel would cut is refused', async () => {
  await expect(callControl(join(dir, 'x'.repeat(120)), 'echo', {})).rejects.toThrow(/107/)
})
