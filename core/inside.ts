import { getAsset, getRawAsset } from 'node:sea'

/**
 * What the single executable holds: its files one after the other in one asset, and where each lies. One,
 * because Node passes by every asset at its start, and each passing brings half a megabyte into memory.
 */
export interface Inside {
  /** Of all that is inside; another program has another one. */
  build: string
  files: { [path: string]: readonly [start: number, bytes: number] }
}

export const indexAsset = 'index.json'
export const filesAsset = 'files'

// Both are parts of the program, and never change. Asked for again, they would be counted again.
let read: Inside | undefined
let content: ArrayBuffer | undefined

export function inside(): Inside {
  read ??= JSON.parse(getAsset(indexAsset, 'utf8')) as Inside
  return read
}

/** As it lies in the executable, not copied. Throws when there is none. */
export function fileInside(path: string): Buffer {
  const [start, bytes] = inside().files[path] ?? []
  if (start === undefined) throw new Error(`nothing inside is called ${path}`)
  content ??= getRawAsset(filesAsset) as ArrayBuffer
  return Buffer.from(content, start, bytes)
}
