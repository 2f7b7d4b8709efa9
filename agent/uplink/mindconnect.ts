import type { Clock } from '../../core/clock.ts'
import type { Http, HttpResponse } from '../../core/net/index.ts'
import type { Random } from '../../core/random.ts'
import type { Runs } from '../../protocol/columns.ts'
import type { BatchName } from '../../protocol/message.ts'
import { askedPauseMs, reasonOf } from '../answer.ts'
import { HubUnavailable } from '../errors.ts'
import { type ToldTime, toldBy } from '../hub-time.ts'
import type { Identity, Membership } from '../identity.ts'
import { ExchangeRefused } from './errors.ts'
import { exchangeBody, exchangeOverheadBytes } from './exchange-body.ts'
import type { FarSide, Verdicts } from './far-side.ts'
import { countLeftOut, expansion, toTimeSeries } from './time-series.ts'
import { batchesOf } from './understood.ts'

export interface MindConnectDeps {
  http: Http
  identity: Pick<Identity, 'accessToken' | 'forget'>
  verdicts: Verdicts
  clock: Clock
  random: Random
  /** Names the meaning of the data points at the hub. */
  configurationId(): string
  /** Readings that this format has no way to say. */
  onLeftOut(count: number): void
  onTime(told: ToldTime): void
}

export interface MindConnectConfig {
  membership: Membership
  maxBytes: number
  /** For one exchange. */
  timeoutMs: number
}

/** Insights Hub takes no larger exchange. */
const largestExchange = 10_000_000
/** A proxy that takes less than this takes nothing of use. */
const smallestExchange = 1_000

/** What an exchange came to, where it did not fail. */
type Outcome = 'taken' | 'too large' | { refused: string }

/**
 * Insights Hub over HTTP: one exchange at a time, and what it took is committed. Where it will not take a
 * body, the body comes in halves, down to the batch that is at fault, which is given up.
 */
export function mindConnectFarSide(deps: MindConnectDeps, config: MindConnectConfig): FarSide {
  const { verdicts } = deps
  const post = posting(deps, config)
  let maxBytes = Math.min(config.maxBytes, largestExchange)

  /** `first` names the first of the batches. */
  async function deliver(first: BatchName, batches: readonly Runs[], signal: AbortSignal): Promise<void> {
    const { epoch, seq } = first
    const range = [seq, seq + batches.length - 1] as const
    const outcome = await postPieces(batches, signal)
    if (outcome === 'taken') return verdicts.acknowledged(epoch, [range])
    if (outcome === 'too large' && maxBytes > smallestExchange) {
      maxBytes = Math.max(smallestExchange, Math.floor(maxBytes / 2))
      return deliver(first, batches, signal) // in smaller pieces; what was taken already replaces itself
    }
    if (batches.length === 1)
      return verdicts.rejected(epoch, [range], outcome === 'too large' ? outcome : outcome.refused)
    const half = Math.ceil(batches.length / 2)
    await deliver(first, batches.slice(0, half), signal)
    await deliver({ epoch, seq: seq + half }, batches.slice(half), signal)
  }

  async function postPieces(batches: readonly Runs[], signal: AbortSignal): Promise<Outcome> {
    for (const piece of toTimeSeries(batches, maxBytes - exchangeOverheadBytes)) {
      const outcome = await post(piece, signal)
      if (outcome !== 'taken') return outcome
    }
    return 'taken'
  }

  return {
    limits: { window: 1, maxBytes: Math.max(1, Math.floor(maxBytes / expansion)) },
    async send(message, signal) {
      const batches = batchesOf(message, verdicts)
      if (batches === undefined) return 'sent'
      await deliver(message, batches, signal)
      deps.onLeftOut(countLeftOut(batches))
      return 'sent'
    },
    delivered() {},
  }
}

function posting(deps: MindConnectDeps, { membership, timeoutMs }: MindConnectConfig) {
  const { http, identity, clock, random, onTime } = deps
  const { baseUrl, ca } = membership
  const url = `${baseUrl}/api/mindconnect/v3/exchange`

  async function ask(piece: string, token: string, signal: AbortSignal): Promise<HttpResponse> {
    const boundary = random.uuid()
    const { contentType, body } = exchangeBody(piece, { configurationId: deps.configurationId(), boundary })
    const headers = { authorization: `Bearer ${token}`, 'content-type': contentType }
    const sentAt = clock.monotonic()
    const response = await http({ method: 'POST', url, headers, body, ca, timeoutMs, signal })
    const told = toldBy(response, clock.monotonic() - sentAt)
    if (told) onTime(told)
    return response
  }

  return async (piece: string, signal: AbortSignal): Promise<Outcome> => {
    const { token } = await identity.accessToken(signal)
    const first = await ask(piece, token, signal)
    if (first.status !== 401) return outcomeOf(url, first)
    identity.forget(token)
    const fresh = await identity.accessToken(signal)
    const second = await ask(piece, fresh.token, signal)
    if (second.status === 401) identity.forget(fresh.token)
    return outcomeOf(url, second)
  }
}

function outcomeOf(url: string, response: HttpResponse): Outcome {
  const { status, body } = response
  const { origin } = new URL(url)
  if (status >= 200 && status < 300) return 'taken'
  if (status === 413) return 'too large'
  // Who answers 400 without JSON is not the hub, but something on the way that has seen no reading.
  if (status === 400 && isJson(response)) return { refused: reasonOf(status, body) }
  if (status === 401 || status === 403) throw new ExchangeRefused(origin, reasonOf(status, body))
  throw new HubUnavailable(origin, reasonOf(status, body), askedPauseMs(response))
}

const isJson = ({ headers }: HttpResponse): boolean =>
  /^application\/([\w.-]+\+)?json\b/i.test(headers['content-type'] ?? '')
