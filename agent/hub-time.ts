import type { HttpResponse } from '../core/net/index.ts'
import { serverTimeHeader } from '../protocol/token.ts'

/** Time as far as the identity needs it. */
export interface HubTime {
  /** Epoch milliseconds: the best that is known. */
  now(): number
  /** It is not earlier than this, whatever the clock of the box says. */
  earliest(): number
  /** The hub told its time. True when that changed what we take for the time by more than a minute. */
  heard(told: ToldTime): boolean
}

/** A far side's time, and what is needed to judge how exact it is here. */
export interface ToldTime {
  /** Epoch milliseconds. */
  time: number
  /** It was told in steps of this. */
  resolutionMs: number
  /** Between asking and hearing. */
  roundTripMs: number
}

/** What an answer tells: `server-time` in epoch seconds; `date` where the hub did what was asked of it. */
export function toldBy({ headers, status }: HttpResponse, roundTripMs: number): ToldTime | undefined {
  const own = headers[serverTimeHeader]
  const date = status < 300 ? (headers.date ?? '') : '' // a refusal may come from a proxy on the way
  const time = typeof own === 'string' && /^\d{1,12}$/.test(own) ? Number(own) * 1000 : Date.parse(date)
  return Number.isNaN(time) ? undefined : { time, resolutionMs: 1000, roundTripMs }
}
