import { expect, test } from 'vitest'
import { Unreachable } from '../../core/net/index.ts'
import type { Connection } from './connection.ts'
import { ConnectionRefused } from './errors.ts'
import { createVersions } from './version.ts'

const connection = {} as Connection
const closed = () => new Unreachable('mqtt://far', 'answer', 'the connection was closed')
const refused = (code: number) => new ConnectionRefused('mqtt://far', new Error('no'), code)

/** A far side that answers each version with an error or lets it in; the versions that it was asked for. */
function farSide(answers: Partial<Record<4 | 5, Error>>) {
  const asked: (4 | 5)[] = []
  const open = async (version: 4 | 5): Promise<Connection> => {
    asked.push(version)
    const error = answers[version]
    if (error) throw error
    return connection
  }
  return { asked, open, answers }
}

test.each([
  ['says that it does not speak MQTT 5', refused(1)],
  ['says so in MQTT 5', refused(132)],
  ['just closes the connection', closed()],
])('a far side that %s is spoken to in 3.1.1 from then on', async (_case, error) => {
  const { asked, open } = farSide({ 5: error })
  const openVersion = createVersions()
  expect(await openVersion('mqtt://far', open)).toEqual({ connection, version: 4 })
  await openVersion('mqtt://far', open)
  expect(asked).toEqual([5, 4, 4])
  await openVersion('mqtt://other', farSide({}).open)
})

test('who does not let this box in, or cannot be reached, is not asked in another version', async () => {
  const openVersion = createVersions()
  for (const error of [refused(135), new Unreachable('mqtt://far', 'connect', 'no')]) {
    const { asked, open } = farSide({ 5: error })
    await expect(openVersion('mqtt://far', open)).rejects.toBe(error)
    expect(asked).toEqual([5])
  }
})

test('a far side that closed because it was going away gets MQTT 5 again', async () => {
  const { asked, open, answers } = farSide({ 5: closed(), 4: closed() })
  const openVersion = createVersions()
  await expect(openVersion('mqtt://far', open)).rejects.toMatchObject({ code: 'unreachable' })
  answers[5] = undefined as never
  expect((await openVersion('mqtt://far', open)).version).toBe(5)
  expect(asked).toEqual([5, 4, 5])
})
