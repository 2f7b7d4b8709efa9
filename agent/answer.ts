import { EdgeError } from '../core/errors.ts'
import { type HttpResponse, retryAfterMs } from '../core/net/index.ts'
import { parseJson } from '../core/schema.ts'
import { HubUnavailable } from './errors.ts'

/** What the hub decided. Where it decided nothing, a retryable error is thrown instead. */
export type Answer<T> = { granted: T } | { refused: string }

/** Reads an answer of the hub; throws `HubUnavailable` where it is none that decides. */
export function decided<T>(url: string, response: HttpResponse, read: (answer: unknown) => T): Answer<T> {
  const { status, body } = response
  const { origin } = new URL(url)
  if (status === 200 || status === 201) {
    try {
      return { granted: read(parseJson(body.toString(), 'answer')) }
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error
      throw new HubUnavailable(origin, error.message)
    }
  }
  if (status === 400 || status === 401 || status === 403) return { refused: reasonOf(status, body) }
  throw new HubUnavailable(origin, reasonOf(status, body), askedPauseMs(response))
}

/** Agent Management says `message`, its OAuth calls say `error_description`; a proxy says neither. */
export function reasonOf(status: number, body: Buffer): string {
  try {
    const { error_description, error, message } = JSON.parse(body.toString()) as Record<string, unknown>
    const said = [error_description, error, message].find((text) => typeof text === 'string')
    return said === undefined ? `status ${status}` : `status ${status}, ${said}`
  } catch {
    return `status ${status}`
  }
}

/** A hub that asks for a longer pause has a fault, and must not silence the box for good. */
const longestPauseMs = 3_600_000

export const askedPauseMs = ({ headers }: HttpResponse): number =>
  Math.min(retryAfterMs(headers) ?? 0, longestPauseMs)
