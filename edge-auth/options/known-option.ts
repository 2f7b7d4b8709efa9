/** An option that edgeward itself obeys. */
export interface KnownOption {
  readonly category: string
  readonly key: string
  readonly description: string
  /** What is wrong with a value, in words; undefined when it is good. */
  readonly fault: (value: string) => string | undefined
}
