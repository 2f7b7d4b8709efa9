import { type Finding, ok, warning } from '../../core/diagnosis.ts'
import type { SourceStatus } from '../sources/index.ts'

/** Which devices do not answer, and which points have no good value. */
export function describeSources(sources: readonly SourceStatus[]): Finding {
  const facts = { sources: sources.map(({ name, state }) => ({ name, state })) }
  const ill = sources.filter(({ state }) => state === 'dead' || state === 'degraded')
  const [first] = ill
  if (first === undefined) return ok(`none of ${sources.length} data sources is dead or degraded`, facts)
  return warning(
    ill.map(({ name, state, reason }) => `${name} is ${state}: ${reason}`).join('; '),
    `Start with "${first.name}". A source whose device answers again goes on by itself.`,
    facts,
  )
}
