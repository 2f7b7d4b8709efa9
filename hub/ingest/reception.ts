import type { PublishPacket } from 'aedes'
import type { Clock } from '../../core/clock.ts'
import { EdgeError, Invalid } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { parseJson } from '../../core/schema.ts'
import { type GapAck, toRanges } from '../../protocol/ack.ts'
import { parseAgentReport } from '../../protocol/agent-report.ts'
import { type GapReason, parseGapReport } from '../../protocol/gap.ts'
import { type AddedGaps, NamesUnknown, type ReadingStore } from '../store/index.ts'
import { kindOf, type PublishKind } from './admission.ts'
import type { Flow } from './flow.ts'
import type { Session } from './sessions.ts'
import type { Tally } from './tally.ts'

export class PublishRefused extends EdgeError {
  override readonly name = 'PublishRefused'
  readonly code = 'publish_refused'
  override readonly statusCode = 403
}

export interface ReceptionDeps {
  store: ReadingStore
  /** Stores Insights Hub time series. Throws `Invalid` for anything else. */
  takeTimeSeries(agentId: string, payload: Buffer): Promise<void>
  /** Stores what became of a command. Throws `Invalid` for anything else. */
  takeCommandUpdate(agentId: string, payload: Buffer): Promise<void>
  flow: Flow
  tally: Tally
  clock: Clock
  log: Logger
}

type Take = (session: Session, payload: Buffer) => Promise<void>

/**
 * Takes one packet in: resolves when it may be acknowledged, since what it holds is committed or never can
 * be. Anything else rejects.
 */
export function reception(deps: ReceptionDeps) {
  const { store, flow, tally, clock, log } = deps
  const takes = takesOf(deps)

  async function take(session: Session, kind: PublishKind, payload: Buffer): Promise<void> {
    const { agentId } = session.principal
    try {
      await takes[kind](session, payload)
    } catch (err) {
      if (err instanceof NamesUnknown) log.warn({ err, agentId }, 'the agent must tell its names again')
      else if (!(err instanceof Invalid)) log.error({ err, agentId, kind }, 'message could not be committed')
      if (!(err instanceof Invalid)) throw err
      tally.malformed++
      log.warn({ err, agentId, kind }, 'message is not what its topic is for and was kept aside')
      if (kind !== 'batch') await store.keepAside(agentId, payload, err.message, clock.now())
    }
  }

  return async (session: Session | undefined, packet: PublishPacket): Promise<void> => {
    const kind = session && kindOf(session, packet)
    if (session === undefined || kind === undefined) {
      log.warn({ agentId: session?.principal.agentId, topic: packet.topic }, 'publish refused')
      throw new PublishRefused(`may not publish to ${packet.topic}`)
    }
    session.seen()
    const payload = Buffer.from(packet.payload)
    const done = flow.wait(session.link, payload.length)
    try {
      await take(session, kind, payload)
    } finally {
      done()
    }
  }
}

function takesOf(deps: ReceptionDeps): Record<PublishKind, Take> {
  const { store, tally, clock } = deps
  return {
    async batch(session, payload) {
      const { agentId } = session.principal
      const startedAt = clock.monotonic()
      const committed = await store.commit(agentId, payload, clock.now())
      const { epoch, seq, count, readings, repeated, malformed } = committed
      tally.batches += count - repeated
      tally.repeats += repeated
      tally.readings += readings
      if (malformed !== undefined) tally.malformed++
      session.acknowledgements.add(epoch, [seq, seq + count - 1])
      tally.acknowledgeSeconds.observe((clock.monotonic() - startedAt) / 1000)
    },
    async gap(session, payload) {
      const report = parseGapReport(parseJson(payload.toString(), 'gaps'), 'gaps')
      count(tally, await store.addGaps(session.principal.agentId, report))
      const ranges = toRanges(report.rows.map(({ id }) => id)).map(([from, to]): [number, number] => [
        from,
        to,
      ])
      session.send(session.topics.ack, { ledger: report.ledger, ranges, time: clock.now() } satisfies GapAck)
    },
    async status(session, payload) {
      const report = parseAgentReport(parseJson(payload.toString(), 'status'), 'status')
      await store.putReport(session.principal.agentId, report, clock.now())
    },
    timeSeries: ({ principal }, payload) => deps.takeTimeSeries(principal.agentId, payload),
    commandUpdate: ({ principal }, payload) => deps.takeCommandUpdate(principal.agentId, payload),
  }
}

function count(tally: Tally, added: AddedGaps): void {
  for (const [reason, readings] of Object.entries(added) as [GapReason, number][])
    tally.lost.set(reason, (tally.lost.get(reason) ?? 0) + readings)
}
