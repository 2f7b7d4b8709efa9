import type { IncomingHttpHeaders } from 'node:http'

/**
 * RFC 9110, 10.2.3: how long the far side asks us to wait, in milliseconds; undefined when it does not
 * say. A date is taken relative to the answer's own `date`, so that the clock of this box plays no part.
 */
export function retryAfterMs(headers: IncomingHttpHeaders): number | undefined {
  const text = headers['retry-after']?.trim()
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const ms = Date.parse(text) - Date.parse(headers.date ?? '')
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
