import { expect, test } from 'vitest'
import type { EchoMethods } from './thread.fixture.ts'
import { threadUrl } from './thread.ts'
import { startAhead } from './threads-ahead.ts'

const url = threadUrl('thread.fixture', import.meta.url)

test('one that was started ahead opens what it is told later, once; the next one is a new thread', async () => {
  await using ahead = startAhead([url])
  await using first = await ahead.open<EchoMethods>(url, {})
  await using second = await ahead.open<EchoMethods>(url, {})
  expect(await Promise.all([first.call('echo', 1), second.call('echo', 2)])).toEqual([1, 2])
  await expect(first.call('die')).rejects.toMatchObject({ code: 'thread_died' })
  expect(await second.call('echo', 3)).toBe(3)
})

test('it says why it cannot open what it is told, and what could not be started at all is started again', async () => {
  await using ahead = startAhead([url, new URL('./nowhere.ts', import.meta.url)])
  await expect(ahead.open(url, { fail: true })).rejects.toMatchObject({ code: 'no_opening' })
  await expect(ahead.open(new URL('./nowhere.ts', import.meta.url), {})).rejects.toMatchObject({
    code: 'thread_died',
  })
})

test('those that nobody takes end', async () => {
  const ahead = startAhead([url])
  await ahead[Symbol.asyncDispose]()
  await using thread = await ahead.open<EchoMethods>(url, {})
  expect(await thread.call('echo', 1)).toBe(1)
})
