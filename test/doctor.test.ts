import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Boxes, startBoxes } from './doctor/boxes.ts'
import { daemonFaults } from './doctor/daemon-faults.ts'
import { certificateFaults, hubFaults } from './doctor/hub-faults.ts'
import { machineFaults } from './doctor/machine-faults.ts'
import { networkFaults } from './doctor/network-faults.ts'
import { doctor, table } from './doctor/record.ts'
import { servingFaults } from './doctor/serving-faults.ts'
import { edgeward, tempDir } from './harness.ts'

const held = new AsyncDisposableStack()
let started: Boxes
const boxes = (): Boxes => started

beforeAll(async () => {
  const dir = held.use(await tempDir())
  started = await startBoxes(held, dir.path)
})
afterAll(async () => {
  await held.disposeAsync()
  process.stdout.write(table())
})

test('a box that is well has nothing that failed, for people and for machines', async () => {
  for (const box of [started.plain, started.secure]) {
    const { healthy, findings } = await doctor(box.dir)
    expect(findings.filter(({ status }) => status === 'failed')).toEqual([])
    expect(healthy).toBe(true)
    for (const id of ['daemon', 'identity.accepted', 'hub.http', 'hub.mqtt', 'uplink', 'broker', 'auth'])
      expect(findings.find((finding) => finding.id === id)).toMatchObject({ id, status: 'ok' })
  }
  const { code, stdout } = await edgeward(['doctor', '--state-dir', started.bare.dir])
  expect(code, 'a box without a hub is not ill').toBe(0)
  expect(stdout).toContain('nothing has failed')
})

/** Each suite has a box or a state of its own to break, so they run side by side, and within one in order. */
describe('one fault each', () => {
  hubFaults(boxes)
  certificateFaults(boxes)
  networkFaults(boxes)
  daemonFaults(boxes)
  machineFaults(boxes)
  servingFaults(boxes)
})
