import { systemClock } from '../core/clock.ts'
import { Invalid } from '../core/errors.ts'
import { durationOf } from './input.ts'

/** "2h" → two hours ago; "2026-11-21T08:00:00Z" → then. */
export function sinceOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d+(ms|s|m|h|d)$/.test(text)) return systemClock.now() - durationOf(text, '--since')
  const time = Date.parse(text)
  if (Number.isNaN(time))
    throw new Invalid(`--since ${text} is no time`, { cure: 'For example 2h, or 2026-11-21T08:00:00Z.' })
  return time
}
