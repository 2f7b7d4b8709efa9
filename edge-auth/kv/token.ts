/** An app from its first registration on: who takes its name later is another owner. */
export interface Owner {
  readonly clientId: string
  /** When the app was first registered. */
  readonly since: number
}

/** What names a token among those of its owner. */
export interface TokenName {
  readonly relatedId: string
  readonly key: string
}

/** All of a token but its value. */
export interface TokenHead extends TokenName {
  readonly clientId: string
  /** Another one with each value; names its chunks, and is its ETag. */
  readonly content: string
  readonly chunks: number
  /** Of the value, as UTF-8. */
  readonly bytes: number
  readonly createdAt: number
  readonly updatedAt: number
  /** What stands here or on disk is not what was once written. */
  readonly damaged: boolean
}

/** Content ids, `*` for any. What is undefined asks for nothing. */
export interface Conditions {
  readonly ifMatch?: readonly string[] | undefined
  readonly ifNoneMatch?: readonly string[] | undefined
}

/** `create`: it must not be there. */
export type WriteMode = 'create' | 'put'

export const chunkBytes = 65_536
export const maxNameBytes = 1_024
/** What a token counts for beside its names and value, so that empty ones are not free. */
export const tokenOverheadBytes = 128

export const charge = (bytes: number, name: TokenName): number =>
  bytes + Buffer.byteLength(name.relatedId) + Buffer.byteLength(name.key) + tokenOverheadBytes

/** Whether a change may be made of what is there, undefined when nothing is. RFC 9110 13.2.2. */
export function holds({ ifMatch, ifNoneMatch }: Conditions, content: string | undefined): boolean {
  const isNamed = (tags: readonly string[]) =>
    content !== undefined && (tags.includes('*') || tags.includes(content))
  if (ifMatch !== undefined && !isNamed(ifMatch)) return false
  return ifNoneMatch === undefined || !isNamed(ifNoneMatch)
}
