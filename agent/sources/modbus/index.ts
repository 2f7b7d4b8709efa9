import { polling } from '../device.ts'
import { DeviceError } from '../device-error.ts'
import { intervalMs } from '../interval.ts'
import { protocol } from '../source.ts'
import { check } from './check.ts'
import { type Link, openLink } from './link.ts'
import { devicePoint } from './points.ts'
import { createReader } from './reader.ts'
import { type Place, Point, placeOf, Source } from './settings.ts'
import { openStream } from './stream.ts'

/** A read may take many requests, each with its own limit; this ends only what all those did not. */
const readLimitMs = 300_000

/** Modbus TCP, RTU and RTU over TCP; reads only. */
export const modbus = protocol({
  customData: { source: Source, point: Point },
  check,
  // One connection serves all sources of a device; only a serial port has settings of its own that may change.
  trial: ({ transport }) => (transport === 'rtu' ? 'instead' : 'beside'),

  create({ custom, points }, context) {
    const { clock, random, log, network, stamp } = context
    const { interval = '1s', timeout = '1s', gap = 4, maxRegisters = 125 } = custom
    const place = placeOf(custom) as Place // checked
    const deps = { clock, openStream: (to: Place, signal: AbortSignal) => openStream(to, network, signal) }
    const reader = createReader(
      { clock, random, log, stamp },
      points.map((point) => devicePoint(point, custom)),
      { gap, maxRegisters, timeoutMs: intervalMs(timeout) },
    )
    return {
      async run(signal) {
        await using shared = context.share(`modbus ${place.transport} ${place.name}`, () =>
          openLink(deps, place),
        )
        const link = shared.value
        const poll = polling(
          context,
          { intervalMs: intervalMs(interval), timeoutMs: readLimitMs },
          {
            async connect(limit) {
              refuseOtherSettings(link, place)
              await link.connect(limit)
            },
            read: (limit) => reader.read(link, limit),
            close: async () => {}, // the link is of all sources; it closes what is of no more use by itself
            unavailable: reader.unavailable,
          },
        )
        await poll(signal)
      },
    }
  },
})

/** A serial port has one speed. */
function refuseOtherSettings({ place: open }: Link, wanted: Place): void {
  if (open.transport !== 'rtu' || wanted.transport !== 'rtu') return
  const differing = (['baudRate', 'parity', 'dataBits', 'stopBits'] as const).filter(
    (key) => open.serial[key] !== wanted.serial[key],
  )
  if (differing.length === 0) return
  throw new DeviceError(
    'bus_settings_differ',
    `another source has ${wanted.name} open with another ${differing.join(' and ')}`,
    {
      cure: 'Give all sources on one serial port the same settings.',
    },
  )
}
