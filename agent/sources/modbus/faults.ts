import { statusCode } from '../../../protocol/reading.ts'
import { DeviceError } from '../device-error.ts'

/** The device answered that it does not do what it was asked. Codes as in the Modbus specification. */
export class ModbusException extends DeviceError {
  readonly exceptionCode: number
  readonly quality: number

  constructor(exceptionCode: number, request: string) {
    const { name, reason, quality, cure } = exceptions[exceptionCode] ?? unknownException
    super(reason, `the device answers ${name} (exception ${exceptionCode}) to ${request}`, { cure })
    this.exceptionCode = exceptionCode
    this.quality = quality
  }

  /** The question was wrong: a part of it may be right. */
  get isAboutAddress(): boolean {
    return this.exceptionCode === 2 || this.exceptionCode === 3
  }

  /** A gateway speaks for a device that does not. */
  get isSilence(): boolean {
    return this.exceptionCode === 10 || this.exceptionCode === 11
  }

  /** Will not change by itself soon: need not be asked at each turn. */
  get isLasting(): boolean {
    return this.exceptionCode <= 3
  }
}

interface Exception {
  name: string
  reason: string
  quality: number
  cure: string
}

const oftenBusy = 'It is asked again at the next turn; a longer interval may help.'
const failure = 'See the display or the log of the device.'

const unknownException: Exception = {
  name: 'an unknown exception',
  reason: 'modbus_exception',
  quality: statusCode.badDeviceFailure,
  cure: 'See the manual of the device.',
}

const exceptions: Readonly<Record<number, Exception>> = {
  1: {
    name: 'IllegalFunction',
    reason: 'illegal_function',
    quality: statusCode.badNotSupported,
    cure: 'It does not have this table: try "holding" for "input", or "coil" for "discrete", and the other way round.',
  },
  2: {
    name: 'IllegalDataAddress',
    reason: 'illegal_data_address',
    quality: statusCode.badConfigurationError,
    cure: 'It has nothing at this address: addresses begin at 0, so "40001" of a manual is "holding", address 0; check the table and the length of the type, too.',
  },
  3: {
    name: 'IllegalDataValue',
    reason: 'illegal_data_value',
    quality: statusCode.badConfigurationError,
    cure: 'It does not take so many registers at once, or not beginning here: set maxRegisters to what its manual says.',
  },
  4: {
    name: 'ServerDeviceFailure',
    reason: 'server_device_failure',
    quality: statusCode.badDeviceFailure,
    cure: failure,
  },
  5: {
    name: 'Acknowledge',
    reason: 'acknowledge',
    quality: statusCode.badResourceUnavailable,
    cure: oftenBusy,
  },
  6: {
    name: 'ServerDeviceBusy',
    reason: 'server_device_busy',
    quality: statusCode.badResourceUnavailable,
    cure: oftenBusy,
  },
  7: {
    name: 'NegativeAcknowledge',
    reason: 'negative_acknowledge',
    quality: statusCode.badDeviceFailure,
    cure: failure,
  },
  8: {
    name: 'MemoryParityError',
    reason: 'memory_parity_error',
    quality: statusCode.badDeviceFailure,
    cure: failure,
  },
  10: {
    name: 'GatewayPathUnavailable',
    reason: 'gateway_path_unavailable',
    quality: statusCode.badNoCommunication,
    cure: 'The gateway has no way to this unit: check the unit id, and in the gateway which units are on which of its ports.',
  },
  11: {
    name: 'GatewayTargetDeviceFailedToRespond',
    reason: 'gateway_target_failed_to_respond',
    quality: statusCode.badNoCommunication,
    cure: 'The gateway is there, the device behind it does not answer: check the unit id, that the device is on, its wiring, and the baud rate and parity in the gateway.',
  },
}

export const noAnswer = (unit: number, place: string, timeoutMs: number, othersAnswer: boolean) =>
  new DeviceError('no_answer', `unit ${unit} at ${place} did not answer within ${timeoutMs} ms`, {
    cure: othersAnswer
      ? 'Other units there do answer: check the unit id, and that this device is on and wired.'
      : 'Check the unit id (a device of its own often wants 1, 0 or 255), and that the device is on; a slow one needs a longer timeout.',
  })

export const noAnswerOnBus = (unit: number, place: string, timeoutMs: number, othersAnswer: boolean) =>
  new DeviceError('no_answer', `unit ${unit} on ${place} did not answer within ${timeoutMs} ms`, {
    cure: othersAnswer
      ? 'Other units on the bus do answer: check the unit id, and that this device is on and wired.'
      : 'Check the unit id, the baud rate and the parity, that the device is on, and whether the wires A and B are swapped.',
  })

export const malformed = (what: string, isSerial: boolean) =>
  new DeviceError('malformed_answer', `the answer is no Modbus: ${what}`, {
    cure: isSerial
      ? 'Check the baud rate, the parity and the stop bits, the termination of the bus, and that no two devices have the same unit id.'
      : 'Check that the device speaks this transport on this port: "tcp" and "rtu-over-tcp" are not the same.',
  })

export const connectionLost = (place: string, cause?: Error) =>
  new DeviceError('connection_lost', `the connection to ${place} was closed`, {
    cause,
    cure: 'The device hung up, or was switched off or unplugged; some take only one client at a time.',
  })

/** What the points of a device that does not answer get. */
export const qualityOf = ({ reason }: DeviceError): number => qualities[reason] ?? statusCode.badNotConnected

const qualities: Readonly<Record<string, number>> = {
  no_answer: statusCode.badTimeout,
  timeout: statusCode.badTimeout,
  malformed_answer: statusCode.badCommunicationError,
  connection_lost: statusCode.badCommunicationError,
  connection_reset: statusCode.badCommunicationError,
  gateway_path_unavailable: statusCode.badNoCommunication,
  gateway_target_failed_to_respond: statusCode.badNoCommunication,
}
