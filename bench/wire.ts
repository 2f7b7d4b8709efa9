import { deflateRawSync } from 'node:zlib'
import { encodeBody, type Runs } from '../protocol/columns.ts'
import { encodeMessage, type Name } from '../protocol/message.ts'
import type { Reading } from '../protocol/reading.ts'
import { seeded } from '../test/seeded.ts'
import type { Bench, Effort, Measured } from './bench.ts'
import { rounded } from './measure.ts'
import { mixedPlant, pointsInMix } from './mix.ts'

/** Bytes per sample on the wire, our messages against Insights Hub JSON, of the same readings. */
export const wire: Bench = {
  name: 'wire',
  about: 'bytes per sample: our messages against Insights Hub JSON, 1 s and 10 s together',
  measure: async ({ quick, say }: Effort): Promise<Measured> => {
    const messages = quick ? 30 : 300
    const [one, ten] = [1, 10].map((seconds) => {
      say(`${messages} messages of ${seconds} s`)
      return bytesPerSample(seconds, messages)
    }) as [Sizes, Sizes]
    const ratio = {
      clientsOver1s: rounded(one.clients / one.ours),
      clientsOver10s: rounded(ten.clients / ten.ours),
      groupedOver1s: rounded(one.grouped / one.ours),
      groupedOver10s: rounded(ten.grouped / ten.ours),
    }
    return {
      unit: 'bytes per sample, names and header of the message included, MQTT and TLS not',
      runs: messages,
      ours: { '1s': one.ours, '10s': ten.ours },
      peer: {
        'insights as clients send it, 1s': one.clients,
        'insights as clients send it, 10s': ten.clients,
        'insights grouped per scan + deflate, 1s': one.grouped,
        'insights grouped per scan + deflate, 10s': ten.grouped,
      },
      ratio,
      must: [
        { figure: 'ours.1s', is: one.ours, atMost: 6.5 },
        { figure: 'ours.10s', is: ten.ours, atMost: 3.3 },
        { figure: 'ratio.clientsOver1s', is: ratio.clientsOver1s, atLeast: 18 },
        { figure: 'ratio.groupedOver1s', is: ratio.groupedOver1s, atLeast: 1.4 },
        { figure: 'ratio.groupedOver10s', is: ratio.groupedOver10s, atLeast: 1.4 },
      ],
    }
  },
}

interface Sizes {
  ours: number
  clients: number
  grouped: number
}

const epoch = '0123456789abcdef'

function bytesPerSample(scansInMessage: number, messages: number): Sizes {
  const scan = mixedPlant(seeded(scansInMessage))
  const names: Name[] = []
  const aliases = new Map<string, number>()
  const aliasOf = (text: string): number => {
    const known = aliases.get(text)
    if (known !== undefined) return known
    names.push([aliases.size, text])
    return aliases.set(text, aliases.size).size - 1
  }
  const sum: Sizes = { ours: 0, clients: 0, grouped: 0 }
  let seq = 1
  let first = 1
  for (let n = 0; n < messages; n++) {
    const scans = Array.from({ length: scansInMessage }, (_, k) => scan(1_700_000_000_000 + (seq + k) * 1000))
    const batches = scans.map(
      (readings, k): Runs => [{ source: 'line', first: first + k * pointsInMix, readings }],
    )
    const body = encodeBody({ batches }, aliasOf)
    // The hub knows a name once it has acknowledged it: here, before the next message.
    const message = encodeMessage({ epoch, seq, count: scansInMessage, names: names.splice(0), body })
    sum.ours += message.length
    sum.clients += insights(scans.flatMap((readings) => readings.map((reading) => [reading]))).length
    sum.grouped += deflateRawSync(insights(scans)).length
    seq += scansInMessage
    first += scansInMessage * pointsInMix
  }
  const samples = messages * scansInMessage * pointsInMix
  return {
    ours: rounded(sum.ours / samples),
    clients: rounded(sum.clients / samples),
    grouped: rounded(sum.grouped / samples),
  }
}

/** Readings that stand together get the time of the first. */
function insights(samplings: readonly (readonly Reading[])[]): string {
  return JSON.stringify({
    timeseries: samplings.map((readings) => ({
      timestamp: new Date(readings[0]?.time ?? 0).toISOString(),
      values: readings.map(({ point, value }) => ({
        dataPointId: point,
        value: String(value),
        qualityCode: '0',
      })),
    })),
  })
}
