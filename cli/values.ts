import type { ShownSample } from '../agent/index.ts'

/** "21.5 °C", and what is to be known of it unless it is Good. */
export function shownValue({ value, unit, quality, reason, time }: ShownSample, now: number): string {
  const said = value === null ? '-' : typeof value === 'string' ? JSON.stringify(value) : String(value)
  const good = quality === 'Good' ? '' : ` ${quality}${reason === undefined ? '' : ` (${reason})`}`
  return `${said}${unit && value !== null ? ` ${unit}` : ''}${good}, ${ageOf(time, now)}`
}

/** How old something is, for a table: "1.2 s", "3 min". */
export function ageOf(time: number, now: number): string {
  const seconds = Math.max(0, (now - time) / 1000)
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

/** What a technician can do about a reading that is not Good, by its reason. */
const advice: Readonly<Record<string, string>> = {
  word_order_suspected:
    'the value is not one that a plant has, and with the registers in the other order it is: set "wordOrder" (big or little); "edgeward source decode" shows all orders',
  type_mismatch: 'what the device says does not fit the type of the point: check "type" of the data point',
  out_of_range: 'the value is beyond what the type of the point can hold: use LONG or DOUBLE, or a scale',
  no_value: 'the device, or the message, has no value there: check the address or the pointer',
  not_json: 'the message is not JSON: leave "pointer" out for plain values',
  illegal_data_address:
    'the device has nothing at this address: addresses begin at 0, so "40001" of a manual is holding, address 0; check table and length of the type',
  illegal_function: 'the device does not have this table: try holding for input, or coil for discrete',
  no_answer: 'nobody answers under this unit id: check it, and that the device is on',
  connection_refused:
    'the device is there and takes no connection on this port: check the port, and how many clients it takes',
  host_unreachable: 'nobody answers at this address: check address, cable and power',
  certificate_not_trusted:
    'the certificate of the server is not trusted: compare its fingerprint at the server, then "edgeward source trust FINGERPRINT"',
  not_supported: 'this machine has no such figure: "edgeward source metrics" shows those that it has',
}

/** One line for each reason that occurs and has advice. */
export function adviceFor(reasons: Iterable<string | undefined>): string[] {
  const known = [...new Set(reasons)].filter(
    (reason) => reason !== undefined && Object.hasOwn(advice, reason),
  )
  return known.map((reason) => `${reason}: ${advice[reason as string]}.`)
}
