import { expect, test } from 'vitest'
import type { EchoMethods } from './thread.fixture.ts'
import { openThread, threadUrl } from './thread.ts'

const open = (data: object = {}) =>
  openThread<EchoMethods>(threadUrl('thread.fixture', import.meta.url), data)

test('calls are answered, and errors come back with their code', async () => {
  await using thread = await open()
  const answers = await Promise.all([thread.call('echo', 1), thread.call('echo', { b: new Uint8Array([2]) })])
  expect(answers).toEqual([1, { b: new Uint8Array([2]) }])
  await expect(thread.call('refuse')).rejects.toMatchObject({ code: 'conflict', statusCode: 409 })
  await expect(thread.call('bug')).rejects.toMatchObject({ code: 'internal' })
})

test('a thread that cannot open what it owns says why', async () => {
  await expect(open({ fail: true })).rejects.toMatchObject({ code: 'no_opening' })
})

test('when a thread dies, waiting and later calls fail and its owner is told', async () => {
  await using thread = await open()
  const told = expect(thread.died).rejects.toMatchObject({ code: 'thread_died' })
  await expect(thread.call('die')).rejects.toMatchObject({ code: 'thread_died' })
  await expect(thread.call('echo', 1)).rejects.toMatchObject({ code: 'thread_died' })
  await told
})
