import type { Duplex } from 'node:stream'
import type { Network } from '../../../core/net/index.ts'
import { DeviceError } from '../device-error.ts'
import type { Place, SerialSettings } from './settings.ts'

/** Opens the way to a bus: TCP or a serial port. Rejects with what it failed with, or the signal's reason. */
export async function openStream(place: Place, network: Network, signal: AbortSignal): Promise<Duplex> {
  if (place.transport === 'rtu') return openSerial(place.serial, signal)
  return network.connectField(place.device, { signal, timeoutMs: connectTimeoutMs })
}

const connectTimeoutMs = 5_000

async function openSerial(settings: SerialSettings, signal: AbortSignal): Promise<Duplex> {
  const {
    default: { SerialPort },
  } = await import('serialport') // native code that only a serial bus needs
  signal.throwIfAborted()
  const port = new SerialPort({ ...settings, autoOpen: false })
  // Of itself a port that is destroyed stays open, and locked.
  port._destroy = (error, done) => port.close(() => done(error))
  port.on('error', () => {}) // `close` follows, and who uses the port listens to that
  await new Promise<void>((resolve, reject) =>
    port.open((error) => (error ? reject(serialError(error, settings)) : resolve())),
  )
  // What lies in the driver answers somebody else's question.
  await new Promise<void>((resolve) => port.flush(() => resolve()))
  return port
}

/** The binding says in words only what was wrong. */
function serialError(cause: Error, { path }: SerialSettings): DeviceError {
  const known = serialFaults.find(({ says }) => says.test(cause.message)) ?? otherFault
  return new DeviceError(known.reason, `${path}: ${cause.message.replace(/^Error: /, '')}`, {
    cause,
    cure: known.cure,
  })
}

const otherFault = {
  reason: 'serial_port_unusable',
  cure: 'Check that this is a serial port, and that it can do this baud rate.',
}

const serialFaults = [
  {
    says: /no such file|no such device/i,
    reason: 'no_such_serial_port',
    cure: 'Check the path and that the adapter is plugged in; /dev/serial/by-id/ has names that stay the same.',
  },
  {
    says: /permission denied/i,
    reason: 'permission_denied',
    cure: 'Let the user that edgeward runs as open it: on most systems the group dialout may.',
  },
  {
    says: /lock|busy|temporarily unavailable/i,
    reason: 'serial_port_in_use',
    cure: 'Another program has it open: end that first. Sources of edgeward share a port by themselves.',
  },
]
