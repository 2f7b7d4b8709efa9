import type { IPublishPacket } from 'mqtt'
import { backoffMs, type RetryPolicy } from '../../../core/retry.ts'
import { type Stamp, statusCode } from '../../../protocol/reading.ts'
import { type DeviceError, deviceError, failing } from '../device-error.ts'
import { intervalMs } from '../interval.ts'
import { messageOf } from '../message.ts'
import { bind } from '../mqtt/binding.ts'
import { type MqttPoint, Point } from '../mqtt/settings.ts'
import { protocol, type Sample, type SourceContext } from '../source.ts'
import { rebirthCommand } from '../sparkplug/index.ts'
import { bad } from '../typed.ts'
import { type Connection, openConnection } from './connection.ts'
import { notOneLine } from './faults.ts'
import { check, Source, type SourceSettings } from './settings.ts'

/** Messages of another broker. */
export const mqttRemote = protocol({
  customData: { source: Source, point: Point },
  check,

  create({ custom, points }, context) {
    const { random } = context
    const { clientId, persistent = clientId !== undefined, keepalive = '30s', rebirth = false } = custom
    const binding = bind(points, custom.payload, { rebirth })
    const asked = createAsking(context)

    async function keep(packet: IPublishPacket, publish: Connection['publish']): Promise<void> {
      const { topic, payload, qos, retain } = packet
      if (retain && !custom.retained) return
      const received = context.stamp()
      const read = binding.read(topic, messageOf(Buffer.from(payload as Uint8Array)), received)
      if (!read) return
      if (read.rebirth !== undefined) asked(read.rebirth, publish)
      const samples = retain ? read.samples.map((sample) => ofOldTime(sample, received)) : read.samples
      // Of QoS 0 the broker repeats nothing.
      if (qos === 0) await context.storeOrLose(samples)
      else await context.storeOrRefuse(samples).catch((cause) => Promise.reject(new NotKept(cause)))
    }

    /** From the connection to its end; rejects with what ended it. */
    async function session(signal: AbortSignal, onConnected: () => void): Promise<never> {
      let publish: Connection['publish'] = () => {}
      await using connection = await openConnection(
        context.network.connect,
        {
          ...{ target: new URL(custom.url), qos: custom.qos ?? 1, filters: binding.filters, ca: custom.ca },
          clearText: custom.clearText,
          ...{ clean: !persistent, keepaliveS: Math.round(intervalMs(keepalive) / 1_000) },
          clientId: clientId ?? `edgeward-${random.bytes(6).toString('hex')}`,
          ...(await login(custom, context)),
          keep: (packet) => keep(packet, (topic, bytes) => publish(topic, bytes)),
        },
        signal,
      )
      publish = connection.publish
      onConnected()
      if (rebirth) for (const topic of binding.missed()) asked(topic, publish)
      else binding.missed()
      return await connection.ended
    }

    return { run: (signal) => staying(context, points, session, signal) }
  },
})

/** What came could not be kept, which is no fault of the broker: it will send it again. */
class NotKept extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause })
  }
}

async function login({ credential }: SourceSettings, context: SourceContext) {
  if (credential === undefined) return {}
  const [, username, password] = /^([^:\n]+):([^\n]+)$/.exec(await context.credential(credential)) ?? []
  if (username === undefined || password === undefined) throw notOneLine(credential)
  return { username, password }
}

const retry: RetryPolicy = { initialMs: 1_000, maxMs: 60_000 }

/** One session after the other, until aborted. */
async function staying(
  { clock, random, log, stamp, report, storeOrLose }: SourceContext,
  points: readonly MqttPoint[],
  session: (signal: AbortSignal, onConnected: () => void) => Promise<never>,
  signal: AbortSignal,
): Promise<never> {
  let failures = 0
  let reason: string | undefined
  report({ at: 'connecting' })
  for (;;) {
    let connectedAt = Number.POSITIVE_INFINITY
    try {
      await session(signal, () => {
        connectedAt = clock.monotonic()
        if (reason !== undefined) log.info('broker answers again')
        report({ at: 'connected' })
        reason = undefined
      })
    } catch (error) {
      signal.throwIfAborted()
      if (clock.monotonic() - connectedAt > retry.maxMs) failures = 0
      if (error instanceof NotKept) log.warn({ err: error }, 'broker is to send again')
      else failed(deviceError(error))
      await clock.sleep(backoffMs(failures++, retry, random), signal)
    }
  }

  function failed(error: DeviceError): void {
    if (reason !== error.reason) {
      reason = error.reason
      log.warn({ err: error, reason }, 'no connection to the broker')
      void storeOrLose(points.map(({ id }) => unavailable(id, error)))
    }
    report(failing(error))
  }

  function unavailable(point: string, error: DeviceError): Sample {
    return { point, ...bad(error.reason, statusCode.badNotConnected), ...stamp() }
  }
}

/** A retained message is as old as it is; only a time of its own says more. */
const ofOldTime = (sample: Sample, received: Stamp): Sample =>
  sample.reason === undefined && sample.time === received.time
    ? { ...sample, quality: statusCode.uncertain, reason: 'retained' }
    : sample

/** The same node is not asked for its BIRTH again before it has had time to answer. */
function createAsking({ clock, log }: SourceContext) {
  const askedAt = new Map<string, number>()
  return (topic: string, publish: Connection['publish']): void => {
    const now = clock.monotonic()
    if (now - (askedAt.get(topic) ?? Number.NEGATIVE_INFINITY) < patienceMs) return
    askedAt.set(topic, now)
    log.info({ topic }, 'asking for a Sparkplug BIRTH')
    publish(topic, rebirthCommand(clock.now()))
  }
}
const patienceMs = 10_000
