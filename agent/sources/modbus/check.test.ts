import { expect, test } from 'vitest'
import { check } from './check.ts'
import type { PointSettings, SourceSettings } from './settings.ts'
import { type Given, refusals } from './test-field.ts'

const place: SourceSettings = { address: '10.0.0.5' }
const register: PointSettings = { table: 'holding', address: 0, type: 'int16' }
const point = (custom: object, type: Given[0] = 'INT'): Given => [type, { ...register, ...custom }]

test('what is right is taken', () => {
  const bus: SourceSettings = {
    transport: 'rtu',
    address: '/dev/serial/by-id/usb-FTDI_x-port0',
    baudRate: 9600,
  }
  const right: [SourceSettings, Given][] = [
    [place, point({})],
    [{ ...place, address: 'press-3.plant:1502', interval: '250ms', timeout: '2s', unit: 255 }, point({})],
    [{ ...place, address: '[fd00::5]:502', transport: 'rtu-over-tcp' }, point({ unit: 247 })],
    [{ ...bus, parity: 'none', stopBits: 2, wordOrder: 'little' }, point({ type: 'float32' }, 'DOUBLE')],
    [place, point({ address: 40_000, type: 'uint64' }, 'LONG')],
    [place, point({ type: 'bit', bit: 15 }, 'BOOLEAN')],
    [place, point({ type: 'string', length: 250 }, 'STRING')],
    [place, ['BOOLEAN', { table: 'discrete', address: 65_535 }]],
  ]
  for (const [source, given] of right) expect(refusals(source, [given])).toEqual([])
})

test.each<[string, SourceSettings, Given, RegExp]>([
  [
    'a number of a manual',
    place,
    point({ address: '40001' }),
    /customData\.address: "40001" is no number from 0; .*"holding","address":0/,
  ],
  ['six digits', place, point({ address: '300101' }), /"input","address":100/],
  ['4x0001', place, point({ address: '4x0001' }), /"holding","address":0/],
  [
    'another notation',
    place,
    point({ address: '%MW10' }),
    /write for example \{"table":"holding","address":0\}/,
  ],
  ['a register beyond the last', place, point({ address: 65_535, type: 'int32' }), /65535 is too high for 2/],
  ['a float as INT', place, point({ type: 'float32' }), /"float32" fits a point of type DOUBLE, not INT/],
  ['no type', place, ['INT', { table: 'input', address: 0 }], /type: missing; "input" needs it: int16, /],
  ['a bit without its number', place, point({ type: 'bit' }, 'BOOLEAN'), /bit: missing/],
  ['a number of a bit without one', place, point({ bit: 3 }), /bit: "int16" does not take it/],
  ['text without a length', place, point({ type: 'string' }, 'STRING'), /length: missing/],
  ['an order of one register', place, point({ wordOrder: 'little' }), /"int16" has no order of registers/],
  ['a coil as INT', place, ['INT', { table: 'coil', address: 0 }], /"coil" fits a point of type BOOLEAN/],
  [
    'a coil with a type',
    place,
    ['BOOLEAN', { table: 'coil', address: 0, type: 'int16' }],
    /"coil" holds bits/,
  ],
  [
    'more than a request',
    { ...place, maxRegisters: 2 },
    point({ type: 'int64' }, 'LONG'),
    /takes 4 registers, .* 2$/,
  ],
  ['a URL', { address: 'modbus://10.0.0.5' }, point({}), /address: "modbus:\/\/10.0.0.5" is not "host"/],
  ['a port too high', { address: '10.0.0.5:70000' }, point({}), /is not "host" or "host:port"/],
  ['a serial port over TCP', { address: '/dev/ttyUSB0' }, point({}), /needs "transport":"rtu"/],
  ['a file', { transport: 'rtu', address: '/etc/shadow' }, point({}), /is not a serial port/],
  [
    'a way out of /dev',
    { transport: 'rtu', address: '/dev/../etc/shadow' },
    point({}),
    /is not a serial port/,
  ],
  ['a speed over TCP', { ...place, baudRate: 9600 }, point({}), /baudRate: is for "transport":"rtu" only/],
  [
    'a broadcast',
    { transport: 'rtu', address: '/dev/ttyS0', unit: 0 },
    point({}),
    /unit: 0 is not between 1 and 247/,
  ],
  [
    'too short an interval',
    { ...place, interval: '50ms' },
    point({}),
    /"50ms" is shorter than sources.min_interval/,
  ],
  ['too long a time-out', { ...place, timeout: '5m' }, point({}), /"5m" is not between 10ms and 30s/],
])('%s is refused, with what would be right', (_what, source, given, message) => {
  const found = refusals(source, [given])
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(message)
})

test('all faults are told at once', () => {
  const refused: string[] = []
  const given = {
    id: 'p',
    type: 'INT',
    custom: { ...register, address: '40001', type: 'float32', bit: 1 },
  } as const
  check(
    { custom: { address: '/dev/x', interval: '1ms' }, points: [given] },
    (at, key) => refused.push(`${at} ${key}`),
    { minIntervalMs: 100 },
  )
  expect(refused).toEqual(['undefined interval', 'undefined address', '0 address', '0 type', '0 bit'])
})
