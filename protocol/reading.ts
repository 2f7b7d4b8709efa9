/** INT and LONG are exact: a LONG beyond 2^53 is a bigint. `null`: no value, quality says why. */
export type Value = number | bigint | string | boolean | null

/** When a reading was taken. */
export interface Stamp {
  /** Epoch milliseconds. */
  time: number
  /** Milliseconds since the box started; there only while `time` is not proven. */
  monotonic?: number
}

export interface Reading extends Stamp {
  /** Id of the data point. */
  point: string
  value: Value
  /** OPC UA StatusCode, uint32. */
  quality: number
}

/**
 * OPC UA status codes that we set, and those that servers send most. The two highest bits say Good (00),
 * Uncertain (01), Bad (10).
 */
export const statusCode = {
  good: 0x00000000,
  uncertain: 0x40000000,
  uncertainLastUsableValue: 0x40900000,
  uncertainSensorNotAccurate: 0x40930000,
  uncertainDataSubNormal: 0x40a40000,
  bad: 0x80000000,
  badInternalError: 0x80020000,
  badCommunicationError: 0x80050000,
  badDecodingError: 0x80070000,
  badNotSupported: 0x803d0000,
  badOutOfRange: 0x803c0000,
  badTypeMismatch: 0x80740000,
  badNoData: 0x809b0000,
  badResourceUnavailable: 0x80040000,
  badTimeout: 0x800a0000,
  badNoCommunication: 0x80310000,
  badConfigurationError: 0x80890000,
  badNotConnected: 0x808a0000,
  badDeviceFailure: 0x808b0000,
  badSensorFailure: 0x808c0000,
  badOutOfService: 0x808d0000,
  badNodeIdUnknown: 0x80340000,
  badWaitingForInitialData: 0x80320000,
  badUserAccessDenied: 0x801f0000,
  badNotFound: 0x803e0000,
} as const

export const isBad = (quality: number): boolean => quality >>> 30 >= 2

/** A Good reading of which we do not know well when it was taken is Uncertain; others stay what they are. */
export const withDoubtfulTime = (quality: number): number =>
  quality >>> 30 === 0 ? statusCode.uncertain : quality

const names = new Map<number, string>(
  Object.entries(statusCode).map(([name, code]) => [code, `${name[0]?.toUpperCase()}${name.slice(1)}`]),
)
/** "BadTimeout"; in hexadecimal what we do not set ourselves. */
export const qualityName = (quality: number): string =>
  names.get(quality) ?? `0x${quality.toString(16).padStart(8, '0')}`

export const isGood = (quality: number): boolean => quality >>> 30 === 0
