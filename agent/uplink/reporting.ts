import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import { type GapAck, type Range, toRanges } from '../../protocol/ack.ts'
import type { AgentReport } from '../../protocol/agent-report.ts'
import type { AgentTopics } from '../../protocol/topics.ts'
import type { Outbox } from '../outbox/index.ts'
import type { Connection } from './connection.ts'
import { largestPayload } from './mqtt-columnar.ts'

/** Tells the hub what was lost, and how the box is, over one connection. */
export interface Reporting {
  /** Until aborted. Rejects because the connection or the outbox failed. */
  run(signal: AbortSignal): Promise<void>
  /** The hub has committed these rows of the loss ledger. */
  acknowledged(ack: Pick<GapAck, 'ledger' | 'ranges'>): void
}

export interface ReportingDeps {
  connection: Connection
  topics: AgentTopics
  outbox: Pick<Outbox, 'pendingGaps' | 'acknowledgeGaps'>
  report(): Promise<AgentReport>
  /** The listener is called when the hub is to be told at once, until what this returns is called. */
  onReportChange?: ((listener: () => void) => () => void) | undefined
  clock: Clock
  log: Logger
}

export interface ReportingConfig {
  maxBytes: number
  ackTimeoutMs: number
  /** A PUBACK counts as the acknowledgement. */
  trustPuback: boolean
}

const gapIntervalMs = 10_000
const reportIntervalMs = 60_000
/** What changes together is told together. */
const changePauseMs = 1_000
const maxRows = 200
/** A row with the longest name of a source. */
const rowBytes = 500

export function createReporting(deps: ReportingDeps, config: ReportingConfig): Reporting {
  const { connection, topics, outbox, clock, log } = deps
  const { ackTimeoutMs, trustPuback } = config
  const rowsAtOnce = Math.min(maxRows, Math.max(1, Math.floor(config.maxBytes / rowBytes)))
  let answered = Promise.withResolvers<void>()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // `run` says it, unless it has ended
  let changed = new AbortController()

  function acknowledged({ ledger, ranges }: { ledger: string; ranges: readonly Range[] }): void {
    outbox.acknowledgeGaps(ledger, ranges).then(answered.resolve, failed.reject)
  }

  async function publish(topic: string, message: object, onPuback?: () => void): Promise<boolean> {
    const payload = Buffer.from(JSON.stringify(message))
    const fits = payload.length <= largestPayload(connection, topic)
    if (fits) await connection.publish(topic, payload, onPuback)
    else log.warn({ topic, bytes: payload.length }, 'report is larger than the far side takes')
    return fits
  }

  /** One message of rows is under way at a time. */
  async function tellGaps(signal: AbortSignal): Promise<never> {
    for (;;) {
      const gaps = await outbox.pendingGaps(rowsAtOnce)
      if (gaps !== undefined) {
        answered = Promise.withResolvers()
        const ranges = toRanges(gaps.rows.map(({ id }) => id))
        const onPuback = () => {
          if (trustPuback) acknowledged({ ledger: gaps.ledger, ranges })
        }
        if (await publish(topics.gap, gaps, onPuback)) await answerOrTimeout(signal)
      }
      await clock.sleep(gapIntervalMs, signal)
    }
  }

  /** A row that gets no answer is told again: that changes nothing. */
  async function answerOrTimeout(signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    try {
      await Promise.race([answered.promise, clock.sleep(ackTimeoutMs, either)])
    } finally {
      over.abort()
    }
  }

  async function tellState(signal: AbortSignal): Promise<never> {
    for (;;) {
      changed = new AbortController()
      await publish(topics.status, await deps.report())
      await clock.sleep(changePauseMs, signal)
      await clock.sleep(reportIntervalMs, AbortSignal.any([signal, changed.signal])).catch(() => {})
      signal.throwIfAborted()
    }
  }

  return {
    acknowledged,
    async run(signal) {
      const forget = deps.onReportChange?.(() => changed.abort())
      try {
        await Promise.race([tellGaps(signal), tellState(signal), failed.promise])
      } finally {
        forget?.()
      }
    },
  }
}
