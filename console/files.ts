import { createHash } from 'node:crypto'
import { extname } from 'node:path'
import { listOwnFolder, readOwnFile } from '../core/program.ts'

/** A file of the pages, as browsers get it. */
export interface PageFile {
  /** Where it is served. */
  readonly url: string
  readonly type: string
  readonly body: Buffer
  readonly etag: string
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const startPage = 'index.html'
const folder = new URL('./pages/', import.meta.url)

/** What is there is read once, and served from memory: a page and its scripts are always of one release. */
export function readPages(): readonly PageFile[] {
  const names = listOwnFolder(folder).filter((name) => extname(name) in types)
  return names.map((name) => {
    const content = readOwnFile(new URL(name, folder))
    const body = name === startPage ? preloading(content.toString(), names) : content
    return {
      url: name === startPage ? '/' : `/console/${name}`,
      type: types[extname(name)] as string,
      body,
      etag: `"${createHash('sha256').update(body).digest('base64url')}"`,
    }
  })
}

/** Else a browser would find the scripts only one after the other, as each imports the next. */
function preloading(page: string, names: readonly string[]): Buffer {
  const links = names
    .filter((name) => extname(name) === '.js')
    .map((name) => `<link rel="modulepreload" href="/console/${name}">`)
  return Buffer.from(page.replace('</head>', `${links.join('\n')}\n</head>`))
}

/** Our own scripts and styles, no HTML from text, nothing from elsewhere, never in a frame. */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')
