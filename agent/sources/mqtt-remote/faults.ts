import { DeviceError } from '../device-error.ts'

const byCode: Readonly<Record<number, { reason: string; what: string; cure: string }>> = {
  1: {
    reason: 'protocol_refused',
    what: 'does not speak MQTT 3.1.1',
    cure: 'Switch this version on in the broker.',
  },
  2: {
    reason: 'client_id_refused',
    what: 'refuses the client id',
    cure: 'Set the clientId to one that the broker knows.',
  },
  3: {
    reason: 'broker_unavailable',
    what: 'does not serve at the moment',
    cure: 'See the log of the broker.',
  },
  4: {
    reason: 'wrong_password',
    what: 'refuses the user or the password',
    cure: 'Correct the file below /etc/edgeward/credentials that the source names.',
  },
  5: {
    reason: 'not_authorized',
    what: 'does not let the box in',
    cure: 'Check in the broker what this user and client id may do, and the credential that the source names.',
  },
}

export function refused({ host }: URL, code: number, cause: Error): DeviceError {
  const known = byCode[code]
  if (!known)
    return new DeviceError('refused', `the broker ${host} refuses (code ${code}): ${cause.message}`, {
      cause,
      cure: 'See the log of the broker.',
    })
  return new DeviceError(known.reason, `the broker ${host} ${known.what}`, { cause, cure: known.cure })
}

export const subscriptionRefused = ({ host }: URL, topic: string) =>
  new DeviceError('subscription_refused', `the broker ${host} does not let the box read ${topic}`, {
    cure: 'Allow it in the broker, or correct the topic.',
  })

export const closed = ({ host }: URL) =>
  new DeviceError('connection_lost', `the broker ${host} closed the connection`, {
    cure: 'See the log of the broker; when it happens again and again, another client may have the same client id.',
  })

export const tooLarge = ({ host }: URL, bytes: number) =>
  new DeviceError('message_too_large', `the broker ${host} sends a message of more than ${bytes} bytes`, {
    cure: 'Name a narrower topic; where the session is persistent, delete the message at the broker.',
  })

export const notOneLine = (name: string) =>
  new DeviceError('no_credential', `the credential ${name} is not one line user:password`, {
    cure: 'Write the user, a colon and the password into the file, and nothing else.',
  })
