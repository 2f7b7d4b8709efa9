import { expect, test } from 'vitest'
import { Invalid } from '../../../core/errors.ts'
import { planSources } from '../configuration.ts'
import { errorOf, snakeCase } from './faults.ts'
import { itemOf, noteOf, type OpcuaPoint, rangeInUnit } from './items.ts'
import { createSamples } from './samples.ts'

function refusals(custom: object, point: object = {}): readonly string[] {
  const customData = { protocol: 'opcua', endpoint: 'opc.tcp://10.0.0.5:4840', ...custom }
  const dataPoints = [
    { id: 'p', name: 'p', type: 'DOUBLE' as const, customData: { nodeId: 'ns=2;i=7', ...point } },
  ]
  try {
    planSources([{ name: 'press', customData, dataPoints }], { minIntervalMs: 100 })
    return []
  } catch (error) {
    if (error instanceof Invalid) return error.details
    throw error
  }
}

test.each([
  [{}, {}],
  [{ securityPolicy: 'Basic256Sha256', user: 'press', credential: 'press.password' }, {}],
  [{ user: 'press', credential: 'press.password', allowUnprotected: true }, {}],
  [{ mode: 'poll', interval: '1s' }, { nodeId: 'nsu=http://plant;s=Press.Force' }],
  [{}, { nodeId: 'g=72962B91-FA75-4AE6-8D28-B404DC7DAF63', indexRange: '0:3' }],
  [{}, { deadband: { type: 'Percent', value: 1 } }],
])('%j with the point %j is taken', (custom, point) => {
  expect(refusals(custom, point)).toEqual([])
})

test.each<[object, object, RegExp]>([
  [{ endpoint: 'http://10.0.0.5' }, {}, /endpoint: must be such as opc\.tcp/],
  [{ endpoint: 'opc.tcp://press:squeeze@10.0.0.5' }, {}, /without a user/],
  [{ securityMode: 'Sign' }, {}, /securityMode: Sign does not go with the policy None/],
  [{ user: 'press' }, {}, /credential: user and credential go together/],
  [{ user: 'press', credential: 'p' }, {}, /securityPolicy: a password needs one/],
  [{ userCertificate: 'c' }, {}, /userKey: /],
  [{ credential: '../shadow' }, {}, /customData\.credential/],
  [{ mode: 'poll', publishingInterval: '1s' }, {}, /publishingInterval: is for the mode subscribe/],
  [{ publishingInterval: '10ms' }, {}, /publishingInterval: is shorter/],
  [{}, { nodeId: 'Press.Force' }, /dataPoints\[0\]\.customData\.nodeId: must be such as/],
  [{}, { samplingInterval: '10ms' }, /samplingInterval: is shorter/],
  [{ mode: 'poll' }, { queueSize: 2 }, /queueSize: is for the mode subscribe/],
])('%j with the point %j is refused', (custom, point, message) => {
  expect(refusals(custom, point)).toContainEqual(expect.stringMatching(message))
})

const pointWith = (pipeline: OpcuaPoint['pipeline'], more: Partial<OpcuaPoint> = {}): OpcuaPoint => ({
  ...{ id: 'p', type: 'DOUBLE', custom: { nodeId: 'i=1' }, ...more },
  ...(pipeline ? { pipeline } : {}),
})
const source = { endpoint: 'opc.tcp://10.0.0.5' }

test('a deadband is left to the server only where nothing but sending is done with the values', () => {
  const absolute = { type: 'Absolute' as const, value: 2 }
  const bandOf = (point: OpcuaPoint) => itemOf(point, source).deadband
  expect(bandOf(pointWith({ deadband: absolute }))).toEqual(absolute)
  expect(bandOf(pointWith({ deadband: { type: 'Percent', value: 1, range: [0, 50] } }))).toEqual({
    ...{ type: 'Absolute', value: 0.5 },
  })
  expect(bandOf(pointWith({ deadband: { type: 'Percent', value: 1 } }))).toEqual({
    type: 'Percent',
    value: 1,
  })
  expect(bandOf(pointWith({ deadband: absolute, scale: { factor: 2 } }))).toBeUndefined()
  expect(bandOf(pointWith({ deadband: absolute, minInterval: '1s' }))).toBeUndefined()
  expect(bandOf(pointWith({ deadband: absolute }, { isAggregated: true }))).toBeUndefined()
  expect(bandOf(pointWith({ deadband: absolute, trigger: 'StatusValueTimestamp' }))).toBeUndefined()
  expect(bandOf(pointWith(undefined))).toBeUndefined()
})

test('the range of a scaled point is scaled too', () => {
  const range = { low: 0, high: 200 }
  expect(rangeInUnit(pointWith(undefined), range)).toEqual([0, 200])
  expect(rangeInUnit(pointWith({ scale: { factor: -0.5, offset: 10 } }), range)).toEqual([-90, 10])
  expect(rangeInUnit(pointWith({ scale: { from: [0, 400], to: [0, 4] } }), range)).toEqual([0, 2])
})

test('what the server does not grant is said once for all points', () => {
  const points = ['a', 'b', 'c'].map((id) => pointWith(undefined, { id }))
  const notes = [0, 1, 2].map((item) => ({ item, what: 'percent_without_range' as const }))
  expect(noteOf(points, { notes, ranges: [] })).toMatch(/^a \(and 2 more points\): the server knows no range/)
  expect(noteOf(points, { notes: [], ranges: [] })).toBeUndefined()
  expect(noteOf(points, { refused: 'BadServiceUnsupported', notes: [], ranges: [] })).toMatch(
    /BadServiceUnsupported/,
  )
})

test.each([
  [{ message: 'connect ECONNREFUSED', errno: 'ECONNREFUSED' }, 'connection_refused', /takes no connection/],
  [{ message: 'x', status: 'BadSecurityPolicyRejected' }, 'policy_refused', /Look at the endpoints/],
  [{ message: 'x', status: 'BadUserAccessDenied' }, 'user_refused', /user and the password/],
  [{ message: 'x', status: 'BadCertificateTimeInvalid' }, 'clock_difference', /clocks/],
  [{ message: 'Transaction has timed out' }, 'timeout', /longer timeout/],
  [{ message: 'socket has been disconnected by third party' }, 'connection_lost', /that it runs/],
  [{ message: 'x', status: 'BadTcpServerTooBusy' }, 'bad_tcp_server_too_busy', /log of the server/],
  [
    { message: 'x', status: 'BadCertificateUntrusted' },
    'box_not_trusted',
    /Trust the certificate of this box/,
  ],
  [
    { message: 'x', status: 'BadCertificateUntrusted', certificate: { thumbprint: 'AB', subject: 'CN=plc' } },
    ...(['certificate_not_trusted', /edgeward source trust AB/] as const),
  ],
])('%j is %s in words', (fault, reason, cure) => {
  const error = errorOf(fault)
  expect([error.reason, error.cure]).toEqual([reason, expect.stringMatching(cure)])
})

test('a status becomes a reason', () => {
  expect(snakeCase('BadNodeIdUnknown')).toBe('bad_node_id_unknown')
})

test('a time that was told already is not told twice', () => {
  const samples = createSamples([{ id: 'p', type: 'INT' }], () => ({ time: 3 }))
  const value = { item: 0, kind: 'scalar', value: 7, status: 0 } as const
  const times = [
    { ...value, sourceTime: 1, serverTime: 2 },
    { ...value, sourceTime: 1, serverTime: 2 },
    { ...value, sourceTime: 1, serverTime: 1 },
    { ...value, serverTime: 2 },
    value,
  ].map((each) => samples.of([each])[0]?.time)
  expect(times).toEqual([1, 2, 3, 2, 3])
})
