import Type, { type Static } from 'typebox'
import type { FieldAddress } from '../../../core/net/index.ts'
import { Interval } from '../interval.ts'
import { orders, registerTypes } from './encoding.ts'

const transports = ['tcp', 'rtu', 'rtu-over-tcp'] as const

export const tables = ['coil', 'discrete', 'holding', 'input'] as const
export type Table = (typeof tables)[number]

export const isBitTable = (table: Table): boolean => table === 'coil' || table === 'discrete'

const Unit = Type.Integer({ minimum: 0, maximum: 255 })
const Order = Type.Enum(orders)

/** customData of a data source with the protocol "modbus". */
export const Source = Type.Object(
  {
    transport: Type.Optional(Type.Enum(transports)),
    /** "10.0.0.5", "press.plant:1502" or, for rtu, "/dev/ttyUSB0". */
    address: Type.String({ minLength: 1, maxLength: 255 }),
    /** rtu: as the device has them; 19200 baud, even parity, 8 data bits and 1 stop bit unless told. */
    baudRate: Type.Optional(Type.Integer({ minimum: 300, maximum: 4_000_000 })),
    parity: Type.Optional(Type.Enum(['none', 'even', 'odd'])),
    dataBits: Type.Optional(Type.Enum([7, 8])),
    stopBits: Type.Optional(Type.Enum([1, 2])),
    /** The device behind the address; 1 unless told. */
    unit: Type.Optional(Unit),
    interval: Type.Optional(Interval),
    /** For the answer to one request; 1 s unless told. */
    timeout: Type.Optional(Interval),
    /** Registers that are read along, unused, so that two points are read by one request; 4 unless told. */
    gap: Type.Optional(Type.Integer({ minimum: 0, maximum: 124 })),
    /** In one request, for devices that take fewer than the protocol's 125. */
    maxRegisters: Type.Optional(Type.Integer({ minimum: 1, maximum: 125 })),
    /** For all points that say nothing else. */
    byteOrder: Type.Optional(Order),
    wordOrder: Type.Optional(Order),
  },
  { additionalProperties: false },
)
export type SourceSettings = Static<typeof Source>

/** customData of a data point. */
export const Point = Type.Object(
  {
    table: Type.Enum(tables),
    /** As it is on the wire: the first is 0. A number; other notations are refused in words by `check`. */
    address: Type.Unsafe<number | string>({ type: ['integer', 'string'], minimum: 0, maximum: 65_535 }),
    /** How registers are read; coils and discrete inputs are bits already. */
    type: Type.Optional(Type.Enum(registerTypes)),
    /** type "bit": 0 is the lowest. */
    bit: Type.Optional(Type.Integer({ minimum: 0, maximum: 15 })),
    /** type "string": bytes. */
    length: Type.Optional(Type.Integer({ minimum: 1, maximum: 250 })),
    /** Within a register; big unless told, as the protocol has it. */
    byteOrder: Type.Optional(Order),
    /** Of the registers of one value; big (the highest first) unless told. */
    wordOrder: Type.Optional(Order),
    /** Another device on the same bus or behind the same gateway. */
    unit: Type.Optional(Unit),
  },
  { additionalProperties: false },
)
export type PointSettings = Static<typeof Point>

export interface SerialSettings {
  path: string
  baudRate: number
  parity: 'none' | 'even' | 'odd'
  dataBits: 7 | 8
  stopBits: 1 | 2
}

/** Where a bus begins. */
export type Place =
  | { transport: 'tcp' | 'rtu-over-tcp'; device: FieldAddress; name: string }
  | { transport: 'rtu'; serial: SerialSettings; name: string }

/** Undefined when the address does not fit the transport. */
export function placeOf(settings: Omit<SourceSettings, 'interval'>): Place | undefined {
  const { transport = 'tcp', address } = settings
  if (transport !== 'rtu') {
    const device = fieldAddress(address)
    return device && { transport, device, name: `${address.includes(':') ? address : `${address}:502`}` }
  }
  if (!/^\/dev\/[\w./:@+-]+$/.test(address) || address.split('/').includes('..')) return undefined
  const { baudRate = 19_200, parity = 'even', dataBits = 8, stopBits = 1 } = settings
  return { transport, serial: { path: address, baudRate, parity, dataBits, stopBits }, name: address }
}

/** "host", "host:port" or "[v6]:port". */
function fieldAddress(text: string): FieldAddress | undefined {
  const [, v6, name, port = '502'] = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = v6 ?? name
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined
  return { host, port: Number(port) }
}
