import { connectAsync } from 'mqtt'
import { decodeBody } from '../../protocol/columns.ts'
import { parseGapReport } from '../../protocol/gap.ts'
import { decodeMessage } from '../../protocol/message.ts'
import type { Reading } from '../../protocol/reading.ts'
import type { AgentTopics } from '../../protocol/topics.ts'

/** For tests: what a hub does, as a client of any broker: it takes messages, each batch once, and answers. */
export async function startReceiver(url: string, topics: AgentTopics) {
  const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 })
  const names = new Map<string, Map<number, string>>()
  const batches = new Map<string, Reading[]>()
  /** As they came, repeats included. */
  const messages: { epoch: string; seq: number; count: number; names: number }[] = []
  const timeSeries: unknown[] = []
  const reports: unknown[] = []
  const gaps = new Set<number>()
  let isAnswering = true

  function take(payload: Buffer): void {
    const message = decodeMessage(payload)
    const { epoch, seq, count } = message
    messages.push({ epoch, seq, count, names: message.names.length })
    const known = names.get(epoch) ?? new Map<number, string>()
    names.set(epoch, known)
    for (const [alias, text] of message.names) known.set(alias, text)
    const decoded = decodeBody(message.body, (alias) => known.get(alias)).batches
    for (const [k, runs] of decoded.entries()) {
      const name = `${epoch} ${seq + k}`
      if (!batches.has(name))
        batches.set(
          name,
          runs.flatMap(({ readings }) => readings),
        )
    }
    answer({ epoch, ranges: [[seq, seq + count - 1]] })
  }

  const answer = (message: object): void => {
    if (isAnswering)
      client.publish(topics.ack, JSON.stringify({ ...message, time: 1_700_000_000_000 }), { qos: 1 })
  }

  client.on('message', (topic, payload) => {
    if (topic === topics.batch) take(payload)
    else if (topic === topics.timeSeries) timeSeries.push(JSON.parse(payload.toString()))
    else if (topic === topics.status) reports.push(JSON.parse(payload.toString()))
    else {
      const { ledger, rows } = parseGapReport(JSON.parse(payload.toString()), 'gaps')
      for (const { id } of rows) gaps.add(id)
      answer({ ledger, ranges: rows.map(({ id }) => [id, id]) })
    }
  })
  await client.subscribeAsync(topics.outbound, { qos: 1 })
  return {
    ...{ messages, timeSeries, reports, gaps },
    values: () => [...batches.values()].flat().map(({ value }) => value),
    setAnswering(answering: boolean): void {
      isAnswering = answering
    },
    [Symbol.asyncDispose]: () => client.endAsync(true),
  }
}
