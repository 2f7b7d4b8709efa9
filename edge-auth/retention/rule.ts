/** What rules can be about; API. */
export const dataTypes = ['AUDIT', 'EVENT', 'ALARM', 'MEASUREMENT', '*'] as const
export type DataType = (typeof dataTypes)[number]

/** What becomes old, and when. `*` stands for all. */
export interface Rule {
  readonly dataType: DataType
  /** A member that it has. */
  readonly fragmentType: string
  readonly type: string
  readonly source: string
  /** Days. */
  readonly maximumAge: number
}

/** What is kept, as rules see it. */
export interface Aged {
  readonly type: string
  readonly sources: readonly string[]
  readonly fragments: readonly string[]
  /** Epoch milliseconds. */
  readonly at: number
}

/** A rule at a moment: what it is about is old when it is of a time before. */
export interface OldBy extends Pick<Rule, 'fragmentType' | 'type' | 'source'> {
  readonly before: number
}

const dayMs = 86_400_000

/** The rules for one kind of data. */
export const rulesFor = (rules: readonly Rule[], dataType: DataType, now: number): OldBy[] =>
  rules
    .filter((rule) => rule.dataType === dataType || rule.dataType === '*')
    .map(({ fragmentType, type, source, maximumAge }) => ({
      ...{ fragmentType, type, source, before: now - maximumAge * dayMs },
    }))

/** Each rule works by itself; so of those that fit, the shortest decides. */
export const isOld = ({ fragmentType, type, source, before }: OldBy, thing: Aged): boolean =>
  thing.at < before &&
  (type === '*' || type === thing.type) &&
  (source === '*' || thing.sources.includes(source)) &&
  (fragmentType === '*' || thing.fragments.includes(fragmentType))
