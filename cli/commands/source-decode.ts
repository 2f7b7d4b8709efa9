import { type Command, Option } from 'commander'
import type { Decoding, ModbusSettings, ModbusTable } from '../../agent/index.ts'
import { systemClock } from '../../core/clock.ts'
import { Invalid } from '../../core/errors.ts'
import { openNetwork } from '../../core/net/index.ts'
import type { CommonOptions } from '../context.ts'
import { columns, print } from '../output.ts'

interface DecodeOptions extends CommonOptions {
  address?: string
  registers?: string
  transport?: 'tcp' | 'rtu' | 'rtu-over-tcp'
  baudRate?: number
  parity?: 'none' | 'even' | 'odd'
  stopBits?: 1 | 2
  unit: number
  table: ModbusTable
  start: number
  count: number
  timeout: string
}

export function decodeCommand(source: Command): void {
  source
    .command('decode')
    .description('read Modbus registers, or take given ones, and show everything that they may mean')
    .option('--address <address>', 'of the device: host:port, or a serial port such as /dev/ttyUSB0')
    .option(
      '--registers <hex>',
      'registers that were read already, such as 4048,F5C3; nothing is connected to',
    )
    .addOption(
      new Option('--transport <name>', 'default: rtu for a serial port, else tcp').choices([
        'tcp',
        'rtu',
        'rtu-over-tcp',
      ]),
    )
    .option('--unit <id>', 'the device behind the address', whole, 1)
    .addOption(
      new Option('--table <name>').choices(['coil', 'discrete', 'holding', 'input']).default('holding'),
    )
    .option('--start <address>', 'the first register; 0 is the first, "40001" of a manual', whole, 0)
    .option('--count <n>', 'how many', whole, 4)
    .option('--timeout <time>', 'for the answer', '1s')
    .option('--baud-rate <n>', 'of a serial port (default: 19200)', whole)
    .addOption(new Option('--parity <name>', 'default: even').choices(['none', 'even', 'odd']))
    .option('--stop-bits <n>', 'default: 1', whole)
    .action(async (_own: unknown, command: Command) => {
      const options = command.optsWithGlobals<DecodeOptions>()
      const { decodings } = await import('../../agent/index.ts')
      const bytes = options.registers === undefined ? await read(options) : given(options.registers)
      if (isBits(options)) return showBits(options, bytes)
      const found = decodings(bytes, options.start)
      print(options.json ?? false, asJson(options, bytes, found), () => asText(options, bytes, found))
    })
}

function whole(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new Invalid(`"${text}" is not a whole number`)
  return Number(text)
}

/** Coils and discrete inputs are bits, and mean nothing else. */
const isBits = ({ table, registers }: DecodeOptions): boolean =>
  registers === undefined && (table === 'coil' || table === 'discrete')

async function read(options: DecodeOptions): Promise<Buffer> {
  const { address, unit, timeout, baudRate, parity, stopBits, table, start, count } = options
  if (address === undefined)
    throw new Invalid('neither --address nor --registers is given', {
      cure: 'For example: edgeward source decode --address 10.0.0.5:502 --start 0 --count 4.',
    })
  const transport = options.transport ?? (address.startsWith('/dev/') ? 'rtu' : 'tcp')
  const settings: ModbusSettings = {
    ...{ transport, address, unit, timeout },
    ...(baudRate === undefined ? {} : { baudRate }),
    ...(parity === undefined ? {} : { parity }),
    ...(stopBits === undefined ? {} : { stopBits }),
  }
  const { readDevice } = await import('../../agent/index.ts')
  return readDevice({ clock: systemClock, network: openNetwork() }, settings, { table, start, count })
}

/** "4048,F5C3", "0x4048 0xf5c3". */
function given(text: string): Buffer {
  const words = text.split(/[\s,]+/).filter((word) => word !== '')
  const wrong = words.find((word) => !/^(0x)?[\da-f]{1,4}$/i.test(word))
  if (wrong !== undefined || words.length === 0 || words.length > 125)
    throw new Invalid(`"${wrong ?? text}" is not a register of four hexadecimal digits`, {
      cure: 'Write 1 to 125 of them, such as --registers 4048,F5C3.',
    })
  const bytes = Buffer.alloc(words.length * 2)
  for (const [at, word] of words.entries())
    bytes.writeUInt16BE(Number.parseInt(word.replace(/^0x/i, ''), 16), at * 2)
  return bytes
}

function hex(bytes: Buffer): string[] {
  return Array.from({ length: bytes.length / 2 }, (_, at) =>
    bytes
      .readUInt16BE(at * 2)
      .toString(16)
      .toUpperCase()
      .padStart(4, '0'),
  )
}

/** What JSON has no number for is told as text: beyond 2^53 the digits, else NaN and Infinity. */
function exact(value: Decoding['value']): string | number | boolean {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

const asJson = ({ unit, table, start }: DecodeOptions, bytes: Buffer, found: readonly Decoding[]) => ({
  ...{ unit, table, start, registers: hex(bytes) },
  decodings: found.map((decoding) => ({ ...decoding, value: exact(decoding.value) })),
})

/** Bytes of a 32-bit value, A the highest, in the order in which they come. */
const headings = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const
const meaning = `ABCD: byteOrder big, wordOrder big     CDAB: byteOrder big, wordOrder little
BADC: byteOrder little, wordOrder big  DCBA: byteOrder little, wordOrder little`

const headingOf = ({ byteOrder, wordOrder = 'big' }: Decoding): string =>
  byteOrder === 'big' ? (wordOrder === 'big' ? 'ABCD' : 'CDAB') : wordOrder === 'big' ? 'BADC' : 'DCBA'

function asText({ start }: DecodeOptions, bytes: Buffer, found: readonly Decoding[]): string {
  const rows = new Map<string, Map<string, string>>()
  for (const decoding of found) {
    const key = `${decoding.address} ${decoding.type}`
    const row = rows.get(key) ?? new Map<string, string>()
    rows.set(key, row)
    const heading = headingOf(decoding)
    // Bits come from the lowest; a technician reads the highest first.
    const before = decoding.type === 'bit' ? (row.get(heading) ?? '') : ''
    row.set(heading, `${shown(decoding)}${before}`)
  }
  const table = [...rows].map(([key, row]) => [
    ...(key.split(' ') as [string, string]),
    ...headings.map((heading) => row.get(heading)),
  ])
  const last = start + bytes.length / 2 - 1
  return [
    `registers ${start} to ${last}: ${hex(bytes).join(' ')}`,
    '',
    columns(['ADDRESS', 'TYPE', ...headings], table, 'no register'),
    '',
    meaning,
  ].join('\n')
}

function shown({ type, value }: Decoding): string {
  if (type === 'bit') return value ? '1' : '0'
  return type === 'string' ? JSON.stringify(value) : String(value)
}

function showBits({ json, unit, table, start, count }: DecodeOptions, bytes: Buffer): void {
  const bits = Array.from({ length: count }, (_, at) => (((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) === 1)
  const rows = bits.map((bit, at) => [start + at, bit])
  print(json ?? false, { unit, table, start, bits }, () => columns(['ADDRESS', 'VALUE'], rows, 'no bit'))
}
