import Type from 'typebox'
import { parser } from '../core/schema.ts'
import type { Gap } from '../protocol/gap.ts'
import type { Outbox, SourceCount } from './outbox/index.ts'

/** A page of the loss ledger, and whether what was produced is accounted for. */
export interface GapPage {
  /** The newest first. */
  gaps: Gap[]
  /** `before` of the page that follows; absent on the last. */
  next?: number
  /** Of this epoch. */
  sources: (SourceCount & { balanced: boolean })[]
}

const parseParams = parser(
  Type.Object(
    {
      before: Type.Optional(Type.Integer({ minimum: 1 })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    },
    { additionalProperties: false },
  ),
)

const defaultLimit = 50

/** `agent.gaps`: `{ before?, limit? }`. */
export const gapOperation =
  (outbox: Pick<Outbox, 'gaps' | 'stats'>) =>
  async (params: unknown): Promise<GapPage> => {
    const { before, limit = defaultLimit } = parseParams(params ?? {}, 'parameters')
    const [gaps, { sources }] = await Promise.all([
      outbox.gaps({ limit: limit + 1, ...(before === undefined ? {} : { before }) }),
      outbox.stats(),
    ])
    const page = gaps.slice(0, limit)
    const next = gaps.length > limit ? page.at(-1)?.id : undefined
    return {
      gaps: page,
      ...(next === undefined ? {} : { next }),
      sources: sources.map((source) => ({ ...source, balanced: isBalanced(source) })),
    }
  }

const isBalanced = ({ produced, delivered, waiting, lost }: SourceCount): boolean =>
  produced === delivered + waiting + Object.values(lost).reduce((sum, count) => sum + count, 0)
