import { expect, test } from 'vitest'
import { edgeward } from './harness.ts'

const isSome = (count: unknown) => typeof count === 'number' && count > 0

test('demo --once proves the whole chain for both profiles', async () => {
  const { code, stdout, stderr } = await edgeward(['demo', '--once'])
  expect(code, stdout + stderr).toBe(0)
  const report = JSON.parse(stdout.trim().split('\n').at(-1) as string)
  expect(report).toMatchObject({
    ok: true,
    readings: { duplicates: 0 },
    introspect: { active: true, afterLogout: false },
  })
  for (const profile of ['RSA_3072', 'SHARED_SECRET']) {
    const { readings, outage, rotation, field } = report.profiles[profile]
    expect([field.modbus, field.opcua]).toEqual([expect.toSatisfy(isSome), expect.toSatisfy(isSome)])
    expect(readings.sent).toBeGreaterThan(outage.sent)
    expect(readings.arrived).toBe(readings.sent)
    expect(outage.sent).toBeGreaterThan(0)
    expect(outage.arrived).toBe(outage.sent)
    expect(rotation.after).not.toBe(rotation.before)
  }
})
