/** One file of the bundle. */
export interface Part {
  path: string
  /** What is in it, for who is asked to hand it on. */
  about: string
  /** Its text. May reject: the others are collected all the same. */
  collect(signal: AbortSignal): Promise<string>
}

export const asJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
