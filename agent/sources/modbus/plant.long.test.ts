import { expect, test, vi } from 'vitest'
import { statusCode } from '../../../protocol/reading.ts'
import { freePort, tempDir } from '../../../test/harness.ts'
import { type Encoded, openCable, startPlant, until } from '../../../test/modbus/devices.ts'
import { describeWith } from '../../../test/peers.ts'
import { createSharing } from '../shared.ts'
import type { PointSettings, SourceSettings } from './settings.ts'
import { acquire, type Given, refusals } from './test-field.ts'

/** A point for each value that pymodbus encoded. */
const pointsOf = (encoded: readonly Encoded[]): Given[] =>
  encoded.map(({ value: _expected, wordOrder, ...place }) => {
    const type = place.type as NonNullable<PointSettings['type']>
    const isSingle = type === 'string' || type.endsWith('16')
    const custom: PointSettings = { table: 'holding', ...place, type, ...(isSingle ? {} : { wordOrder }) }
    return [type === 'string' ? 'STRING' : type.startsWith('float') ? 'DOUBLE' : 'LONG', custom]
  })

/** As text, since JSON has no 64 bits; a uint64 beyond a LONG cannot be told. */
function expectedOf({ type, value }: Encoded): string | null {
  if (type === 'uint64' && BigInt(value) >= 2n ** 63n) return null
  return type.startsWith('float') ? String(Number(value)) : value
}

async function compare(settings: SourceSettings, encoded: readonly Encoded[]): Promise<number> {
  const points = pointsOf(encoded)
  expect(refusals(settings, points), 'the configuration is valid').toEqual([])
  await using source = acquire(settings, points)
  await source.read()
  const found = encoded.map((_, at) => source.newest(`p${at}`)?.value)
  expect(found.map((value) => (value === null ? null : String(value)))).toEqual(encoded.map(expectedOf))
  expect(source.state()).toEqual({ at: 'connected' })
  return encoded.length
}

/** On a busy machine an answer may be late; the next round has it. */
const settled = (assertion: () => void) => vi.waitFor(assertion, { timeout: 20_000 })

describeWith(['pymodbus.server', 'socat'], 'devices by pymodbus', () => {
  test('each encoding is read as it was written, over TCP', async () => {
    const port = await freePort()
    await using plant = await startPlant('tcp', `${port}`)
    const count = await compare({ address: `127.0.0.1:${port}` }, plant.encoded)
    expect(count).toBeGreaterThan(80)
  })

  test('… over a serial bus, byte by byte as it comes', async () => {
    await using dir = await tempDir()
    await using cable = await openCable(dir.path)
    await using plant = await startPlant('rtu', cable.ends[0])
    const settings: SourceSettings = { transport: 'rtu', address: cable.ends[1], parity: 'none' }
    await compare(settings, plant.encoded)
  })

  test('… and in RTU frames over TCP', async () => {
    const port = await freePort()
    await using plant = await startPlant('rtu-over-tcp', `${port}`)
    await compare({ transport: 'rtu-over-tcp', address: `127.0.0.1:${port}` }, plant.encoded)
  })

  test('two sources share a serial port, and one with another speed is told so', async () => {
    await using dir = await tempDir()
    await using cable = await openCable(dir.path)
    await using _plant = await startPlant('rtu', cable.ends[0])
    const bus: SourceSettings = { transport: 'rtu', address: cable.ends[1], parity: 'none' }
    const sharing = createSharing()
    const at = (settings: SourceSettings, address: number) =>
      acquire({ ...bus, ...settings }, [['INT', { table: 'holding', address, type: 'int16' }]], sharing)
    await using first = at({ ...bus, unit: 1 }, 1)
    await using second = at({ ...bus, unit: 2 }, 2)
    await using other = at({ ...bus, unit: 2, baudRate: 9_600 }, 2)
    await settled(() => expect([first.newest('p0')?.value, second.newest('p0')?.value]).toEqual([-2, 9]))
    const { reason, message } = await other.failed()
    expect(reason).toBe('bus_settings_differ')
    expect(message).toContain('with another baudRate')
  })

  test('a serial port that no source needs any more is free again', async () => {
    await using dir = await tempDir()
    await using cable = await openCable(dir.path)
    await using _plant = await startPlant('rtu', cable.ends[0])
    for (let life = 0; life < 3; life++) {
      await using source = acquire({ transport: 'rtu', address: cable.ends[1], parity: 'none' }, [
        ['INT', { table: 'holding', address: 1, type: 'int16' }],
      ])
      await settled(() => expect(source.newest('p0')).toMatchObject({ value: -2 }))
    }
  })

  test('a unit that is not on the bus is told apart from the others, which go on', async () => {
    await using dir = await tempDir()
    await using cable = await openCable(dir.path)
    await using _plant = await startPlant('rtu', cable.ends[0])
    await using source = acquire(
      { transport: 'rtu', address: cable.ends[1], parity: 'none', timeout: '200ms', interval: '100ms' },
      [1, 2, 5].map((unit) => ['INT', { table: 'holding', address: 1, type: 'int16', unit }]),
    )
    const newest = () => ['p0', 'p1', 'p2'].map((id) => source.newest(id))
    await settled(() => expect(newest().map((sample) => sample?.value)).toEqual([-2, 8, null]))
    expect(newest()[2]).toMatchObject({ reason: 'no_answer' })
    expect(source.state()).toEqual({ at: 'connected' })
  })

  test('coils, discrete inputs, input registers and the bits of a register, of two units', async () => {
    const port = await freePort()
    await using plant = await startPlant('tcp', `${port}`)
    const bits: Given[] = Array.from({ length: 16 }, (_, bit) => [
      'BOOLEAN',
      { table: 'holding', address: 1, type: 'bit', bit },
    ])
    const points: Given[] = [
      ['BOOLEAN', { table: 'coil', address: 0 }],
      ['BOOLEAN', { table: 'coil', address: 1 }],
      ['BOOLEAN', { table: 'coil', address: 2097 }],
      ['BOOLEAN', { table: 'discrete', address: 11 }],
      ['INT', { table: 'input', address: 5, type: 'uint16' }],
      ['INT', { table: 'holding', address: 2, type: 'uint16', unit: 2 }],
      ...bits,
    ]
    expect(plant.encoded[1]?.value).toBe('-2')
    await using source = acquire({ address: `127.0.0.1:${port}` }, points)
    await source.read()
    const values = points.map((_, at) => source.newest(`p${at}`)?.value)
    expect(values).toEqual([true, false, true, true, 105, 9, false, ...Array(15).fill(true)])
  })

  test('an address that the device does not have spoils its own point only', async () => {
    const port = await freePort()
    await using _plant = await startPlant('tcp', `${port}`)
    // The simulator has input registers 0 to 19 and 30 to 39.
    const addresses = [0, 5, 18, 19, 20, 25, 29, 30, 39, 40]
    await using source = acquire(
      { address: `127.0.0.1:${port}`, gap: 20, interval: '100ms' },
      addresses.map((address) => ['INT', { table: 'input', address, type: 'uint16' }]),
    )
    await source.read()
    const found = addresses.map((_, at) => source.newest(`p${at}`))
    expect(found.map((sample) => sample?.value)).toEqual([
      100,
      105,
      118,
      119,
      null,
      null,
      null,
      130,
      139,
      null,
    ])
    for (const at of [4, 5, 6, 9])
      expect(found[at]).toMatchObject({
        quality: statusCode.badConfigurationError,
        reason: 'illegal_data_address',
      })
    expect(source.state()).toEqual({ at: 'connected' })
  })

  test('a unit that is not there is dead by itself; the others of the same source and connection go on', async () => {
    const port = await freePort()
    await using _plant = await startPlant('tcp', `${port}`)
    const sharing = createSharing()
    const place = { address: `127.0.0.1:${port}`, timeout: '200ms', interval: '100ms' }
    const point = (unit: number): Given => ['INT', { table: 'holding', address: 1, type: 'int16', unit }]
    await using mixed = acquire(place, [point(1), point(9)], sharing)
    await using lonely = acquire(place, [point(8)], sharing)
    await mixed.read()
    const { reason } = await lonely.failed()
    expect(reason).toBe('no_answer')
    await until('what the others are says something about it', () =>
      lonely.reported.some(
        (state) =>
          state.at === 'failing' && state.message.includes('Other units there do answer: check the unit id'),
      ),
    )
    expect(mixed.newest('p0')).toMatchObject({ value: -2, quality: 0 })
    expect(mixed.newest('p1')).toMatchObject({
      value: null,
      reason: 'no_answer',
      quality: statusCode.badTimeout,
    })
    expect(mixed.samples.filter((sample) => sample.point === 'p1')).toHaveLength(1)
  })

  test('a device that was switched off comes back by itself, and its points were Bad once', async () => {
    const port = await freePort()
    const settings: SourceSettings = { address: `127.0.0.1:${port}`, interval: '100ms', timeout: '300ms' }
    await using source = acquire(settings, [['INT', { table: 'holding', address: 1, type: 'int16' }]])
    expect(await source.failed()).toMatchObject({ reason: 'connection_refused' })
    {
      await using _plant = await startPlant('tcp', `${port}`)
      await source.connected()
    }
    await source.failed()
    await using _again = await startPlant('tcp', `${port}`)
    await source.connected()
    const qualities = source.samples.map(({ quality }) => quality === 0)
    const changes = qualities.filter((good, at) => good !== qualities[at - 1])
    expect(changes).toEqual([false, true, false, true])
    expect(qualities.filter((good) => !good).length).toBeLessThanOrEqual(3)
  })
})
