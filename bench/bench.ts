/** One figure of the product, measured beside its peer or its limit in the same run. */
export interface Bench {
  readonly name: string
  /** A name for several that belong together. */
  readonly group?: string
  /** One line for `list`. */
  readonly about: string
  measure(effort: Effort): Promise<Measured>
}

export interface Effort {
  /** Fewer and shorter rounds: to see that it runs, not to quote. */
  quick: boolean
  /** What is going on, for who waits. */
  say(progress: string): void
}

export interface Measured {
  unit: string
  /** Rounds whose medians the figures are. */
  runs: number
  ours: Figures
  /** Other people's program, or what the machine can do at all. */
  peer: Figures
  ratio: Figures
  must: Target[]
}

export type Figures = Record<string, number>

/** A number that a figure must reach; missing it is a result, not a failure. */
export type Target = { figure: string; is: number } & ({ atMost: number } | { atLeast: number })

export const reached = (target: Target): boolean =>
  'atMost' in target ? target.is <= target.atMost : target.is >= target.atLeast
