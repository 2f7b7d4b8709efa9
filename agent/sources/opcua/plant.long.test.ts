import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { freePort, type TempDir, tempDir } from '../../../test/harness.ts'
import { point, press } from '../../../test/opcua/gateway.ts'
import type { ServerOptions } from '../../../test/opcua/server.fixture.ts'
import { type OpcuaServer, plantNamespace, startServer } from '../../../test/opcua/server.ts'
import { testContext } from '../test-context.ts'
import { opcuaOf } from './index.ts'
import { openField, until } from './test-field.ts'

describe('a server of another make', () => {
  let dir: TempDir
  let server: OpcuaServer
  beforeAll(async () => {
    dir = await tempDir()
    server = await startServer({ port: await freePort(), dir: `${dir.path}/server` })
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await dir[Symbol.asyncDispose]()
  })
  const nextField = () => openField(join(dir.path, `box-${systemClock.monotonic()}`))

  test('tells values of every type, with their quality and the time of the source', async () => {
    await using field = await nextField()
    const expected: [node: string, type: Parameters<typeof point>[1], value: unknown, quality?: number][] = [
      ['Boolean', 'BOOLEAN', true],
      ['SByte', 'INT', -128],
      ['Byte', 'INT', 255],
      ['Int16', 'INT', -32_768],
      ['UInt16', 'INT', 65_535],
      ['Int32', 'INT', -2_147_483_648],
      ['UInt32', 'LONG', 4_294_967_295],
      ['Int64', 'LONG', -9_223_372_036_854_775_807n],
      ['UInt64', 'LONG', 9_223_372_036_854_775_807n],
      ['UInt64Beyond', 'LONG', null, 0x803c0000],
      ['Float', 'DOUBLE', 0.5],
      ['Double', 'DOUBLE', 0.1],
      ['NaN', 'DOUBLE', null, 0x803c0000],
      ['String', 'STRING', 'Öl'],
      ['DateTime', 'TIMESTAMP', '2024-02-29T12:00:00.123Z'],
      ['Guid', 'STRING', '72962B91-FA75-4AE6-8D28-B404DC7DAF63'],
      ['ByteString', 'STRING', 'cHJlc3M='],
      ['XmlElement', 'STRING', '<a/>'],
      ['NodeId', 'STRING', 'ns=0;i=85'],
      ['StatusCode', 'LONG', 0x800a0000],
      ['QualifiedName', 'STRING', '1:q'],
      ['LocalizedText', 'STRING', 'Presse'],
      ['Empty', 'STRING', null, 0x809b0000],
      ['Array', 'DOUBLE', null, 0x80740000],
      ['Missing', 'DOUBLE', null, 0x80340000],
    ]
    const points = expected.map(([node, type]) => point(node, type, node))
    field.apply(
      press(server.endpoint, {}, ...points, point('second', 'DOUBLE', 'Array', { indexRange: '1' })),
    )
    await until('a reading of each point', () =>
      [...expected.map(([node]) => node), 'second'].every((id) => field.of(id).length > 0),
    )
    const told = expected.map(([node]) => [node, field.of(node)[0]?.value, field.of(node)[0]?.quality])
    expect(told).toEqual(expected.map(([node, , value, quality = 0]) => [node, value, quality]))
    expect(field.values('second')[0]).toBe(2)

    await server.set('Int32', 12, { status: 'UncertainLastUsableValue', sourceTime: 1_700_000_000_123 })
    await server.set('UInt32', 13, { status: 'BadSensorFailure' })
    await until('the changes', () => field.of('Int32').length > 1 && field.of('UInt32').length > 1)
    expect(field.of('Int32')[1]).toEqual({
      ...{ point: 'Int32', time: 1_700_000_000_123, value: 12, quality: 0x40900000 },
    })
    expect(field.of('UInt32')[1]).toMatchObject({ value: null, quality: 0x808c0000 })
    expect(field.status()).toMatchObject({ state: 'degraded', bad: { bad_sensor_failure: 1 } })

    await server.set('Missing', 1.5)
    await until('what was not there', () => field.values('Missing').includes(1.5))
  })

  test('is left the deadband, and our own filter steps in where it knows no range', async () => {
    await using field = await nextField()
    await server.set('Level', 10)
    await server.set('Count', 0)
    const percent = { type: 'Percent', value: 1 }
    field.apply(
      press(
        server.endpoint,
        {},
        point('absolute', 'DOUBLE', 'Level', { deadband: { type: 'Absolute', value: 0.5 } }),
        point('percent', 'DOUBLE', 'Level', { deadband: percent }),
        point('scaled', 'DOUBLE', 'Level', { deadband: percent, scale: { factor: 10 } }),
        point('without range', 'DOUBLE', 'Plain', { deadband: percent }),
        point('count', 'INT', 'Count'),
      ),
    )
    await until('the first readings', () => field.kept.length >= 5)
    let count = 0
    const set = async (level: number) => {
      await server.set('Level', level)
      await server.set('Plain', level)
      await server.set('Count', ++count)
      await until('the publishing after it', () => field.values('count').includes(count))
    }
    for (const level of [10.4, 10.8, 11.9, 13, 10.5]) await set(level)
    expect(field.values('absolute')).toEqual([10, 10.8, 11.9, 13, 10.5])
    expect(field.values('percent')).toEqual([10, 13, 10.5])
    expect(field.values('scaled')).toEqual([100, 130, 105])
    expect(field.values('without range')).toEqual([0, 10.4, 10.8, 11.9, 13, 10.5])
    const { state, reason, withheld } = field.status()
    expect([state, reason]).toEqual(['good', expect.stringMatching(/^without range: .*no range \(EURange\)/)])
    expect(withheld).toBe(3) // of the scaled one alone: the others are filtered in the server
  })

  test('is polled where that is asked for, and a value that does not change is told again', async () => {
    await using field = await nextField()
    await server.set('Count', 5)
    const { customData, ...rest } = point('count', 'INT', 'Count')
    const { samplingInterval: _none, ...polled } = customData
    const { publishingInterval: _either, ...custom } = press(server.endpoint, {}).customData as Record<
      string,
      unknown
    >
    field.apply({
      ...press(server.endpoint, {}),
      customData: { ...custom, mode: 'poll', interval: '100ms' },
      dataPoints: [{ ...rest, customData: polled }],
    })
    await until('three turns', () => field.of('count').length >= 3)
    const times = field.of('count').map(({ time }) => time)
    expect(field.values('count').slice(0, 3)).toEqual([5, 5, 5])
    expect(new Set(times).size).toBe(times.length)
  })

  test('and what a subscription tells nothing of is read after the maximum interval', async () => {
    await using field = await nextField()
    field.apply(
      press(
        server.endpoint,
        {},
        point('level', 'DOUBLE', 'Level', { deadband: { type: 'Absolute', value: 5 }, maxInterval: '200ms' }),
      ),
    )
    await until('a heartbeat', () => field.of('level').length >= 2)
    expect(new Set(field.values('level')).size).toBe(1)
  })

  test('is asked for no more while the box is behind, and the newest is not lost', async () => {
    await using field = await nextField()
    await server.set('Count', 0)
    field.apply(
      press(
        server.endpoint,
        { publishingInterval: '50ms' },
        point('count', 'INT', 'Count', { queueSize: 1 }),
      ),
    )
    await until('the first reading', () => field.values('count').includes(0))
    const release = field.hold()
    const changes = 60
    for (let change = 1; change <= changes; change++) {
      await server.set('Count', change)
      await systemClock.sleep(60)
    }
    release()
    await until('the newest reading', () => field.values('count').at(-1) === changes)
    expect(field.values('count').length).toBeLessThan(changes)
  })

  test('is trusted by its certificate, and lets users in by password and by certificate', async () => {
    await using field = await nextField()
    const secure = { securityPolicy: 'Basic256Sha256' }
    const count = point('count', 'INT', 'Count')
    await field.credential('right', 'squeeze')
    await field.credential('wrong', 'squash')
    field.apply(press(server.endpoint, secure, count))
    await until('it is not trusted', () => field.status().state === 'dead')
    const [, fingerprint = ''] =
      /edgeward source trust ([\dA-F]{40})\.$/.exec(field.status().reason ?? '') ?? []
    const listed = await field.operate<{ state: string; thumbprint: string }[]>('agent.opcuaCertificates')
    expect(listed.map(({ state }) => state)).toEqual(['own', 'rejected'])
    await expect(field.operate('agent.opcuaTrust', { fingerprint: '0'.repeat(40) })).rejects.toThrow(
      /no server/,
    )
    await field.operate('agent.opcuaTrust', { fingerprint })
    await until('it is trusted', () => field.status().state === 'good')

    const { key, certificate } = userCertificate(dir.path)
    await field.credential('user.pem', certificate)
    await field.credential('user.key', key)
    field.apply(
      press(server.endpoint, { ...secure, user: 'press', credential: 'right' }, count),
      {
        ...press(server.endpoint, { ...secure, user: 'press', credential: 'wrong' }, { ...count, id: 'w' }),
        name: 'wrong',
      },
      {
        ...press(
          server.endpoint,
          { ...secure, userCertificate: 'user.pem', userKey: 'user.key', securityMode: 'Sign' },
          { ...count, id: 'c' },
        ),
        name: 'certificate',
      },
      {
        ...press(server.endpoint, { ...secure, user: 'press', credential: 'nowhere' }, { ...count, id: 'n' }),
        name: 'no file',
      },
    )
    await until('two are let in', () =>
      ['press', 'certificate'].every((name) => field.status(name).state === 'good'),
    )
    await until('two are not', () =>
      ['wrong', 'no file'].every((name) => field.status(name).state === 'dead'),
    )
    expect(field.status('wrong').reason).toMatch(/does not let this user in.*Check the user and the password/)
    expect(field.status('no file').reason).toMatch(/credentials\/nowhere cannot be read/)
    expect(JSON.stringify(field.status('wrong'))).not.toContain('squash')
  })
})

test('a server that comes back with other numbers of its namespaces and one subscription is read again', async () => {
  await using dir = await tempDir()
  const port = await freePort()
  const start = (options: Partial<ServerOptions>) =>
    startServer({ port, dir: `${dir.path}/server`, ...options })
  await using field = await openField(dir.path)
  const names = ['press', 'second']
  {
    await using server = await start({ namespaces: [plantNamespace] })
    field.apply(
      ...names.map((name) => ({
        ...press(server.endpoint, { interval: '200ms' }, point(name, 'INT', 'Count')),
        name,
      })),
    )
    await until('the first readings', () => names.every((name) => field.values(name).includes(0)))
  }
  await until('it is gone', () => names.every((name) => field.status(name).state === 'dead'))
  expect(field.of('press').at(-1)).toMatchObject({ value: null, quality: 0x80310000 })
  await using server = await start({
    ...{ namespaces: ['http://first.example', 'http://second.example', plantNamespace], maxSubscriptions: 1 },
  })
  await server.set('Count', 9)
  await until('it is read again', () => names.every((name) => field.values(name).includes(9)))
  const told = names.map((name) => field.status(name))
  expect(told.map(({ state }) => state)).toEqual(['good', 'good'])
  const refused = told.filter(({ reason }) => reason !== undefined)
  expect(refused).toMatchObject([
    { reason: expect.stringContaining('refuses subscriptions (BadTooManySubscriptions)') },
  ])
})

test('without the package the source says what is missing', async () => {
  const { context, reported, stored } = testContext({ clock: systemClock })
  const stop = new AbortController()
  const points = [{ id: 'p', type: 'INT' as const, custom: { nodeId: 'i=1' } }]
  const source = opcuaOf({ isInstalled: () => false }).create(
    { custom: { endpoint: 'opc.tcp://127.0.0.1:1' }, points },
    context,
  )
  const ended = source.run(stop.signal).catch(() => {})
  await until('it has failed', () => reported.at(-1)?.at === 'failing')
  expect(reported.at(-1)).toMatchObject({
    reason: 'not_installed',
    message: expect.stringMatching(/^OPC UA is not installed: /),
  })
  expect(stored).toMatchObject([{ point: 'p', value: null, reason: 'not_installed' }])
  stop.abort()
  await ended
})

function userCertificate(dir: string): { key: string; certificate: string } {
  const [key, certificate] = [join(dir, 'user.key'), join(dir, 'user.pem')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      certificate,
      '-days',
      '2',
      '-subj',
      '/CN=fitter',
    ],
    { stdio: 'ignore' },
  )
  return { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') }
}
