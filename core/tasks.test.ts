import { expect, test } from 'vitest'
import { aborted, runTasks } from './tasks.ts'

test('the first failure aborts the other tasks and is rethrown', async () => {
  let stopped = false
  const failing = runTasks(
    new AbortController().signal,
    async () => {
      throw new Error('disk gone')
    },
    async (signal) => {
      await aborted(signal)
      stopped = true
    },
  )
  await expect(failing).rejects.toThrow('disk gone')
  expect(stopped).toBe(true)
})

test('an abort from outside ends all tasks without an error', async () => {
  const controller = new AbortController()
  const tasks = runTasks(controller.signal, (signal) => aborted(signal))
  controller.abort()
  await expect(tasks).resolves.toBeUndefined()
})
