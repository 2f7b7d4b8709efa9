import { Invalid } from '../../core/errors.ts'

/** One part of a multipart body. Names of headers are in lower case. */
export interface Part {
  headers: ReadonlyMap<string, string>
  body: Buffer
}

/**
 * Reads a multipart body as agents in the field write it, which RFC 2046 would refuse: lines end with
 * CRLF, LF or both in turn, the space after a header's colon is optional, blank lines may stand before a
 * delimiter, the last line need not end. A boundary counts only as a whole line, so that a payload may
 * hold its text. Throws `Invalid`.
 */
export function parseMultipart(body: Buffer, contentType: string): Part[] {
  const boundary = boundaryOf(contentType)
  const parts: Part[] = []
  let start: number | undefined // of the part that is open
  for (const delimiter of delimiters(body, boundary)) {
    if (start !== undefined) parts.push(parsePart(body.subarray(start, beforeLineBreak(body, delimiter.at))))
    if (delimiter.closes) return parts
    start = delimiter.next
  }
  throw new Invalid(`multipart: the closing delimiter of ${JSON.stringify(boundary)} is missing`)
}

/** The parameter may stand anywhere in the header, with quotes or without. */
function boundaryOf(contentType: string): string {
  const [, quoted, bare] = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType) ?? []
  const boundary = quoted ?? bare
  if (boundary === undefined || boundary.length > maxBoundary)
    throw new Invalid('multipart: the content type names no boundary')
  return boundary
}

/** RFC 2046 allows 70. */
const maxBoundary = 200
const maxHeaderBytes = 16_384
const lineFeed = 0x0a
const carriageReturn = 0x0d

interface Delimiter {
  /** Where its line begins, and where the next one does. */
  at: number
  next: number
  closes: boolean
}

function* delimiters(body: Buffer, boundary: string): Generator<Delimiter> {
  const mark = Buffer.from(`--${boundary}`)
  for (let at = body.indexOf(mark); at !== -1; at = body.indexOf(mark, at + 1)) {
    if (at > 0 && body[at - 1] !== lineFeed) continue
    const end = at + mark.length
    const feed = body.indexOf(lineFeed, end)
    const next = feed === -1 ? body.length : feed + 1
    const tail = /^(--)?[ \t]*\r?\n?$/.exec(body.toString('latin1', end, Math.min(next, end + maxBoundary)))
    if (tail) yield { at, next, closes: tail[1] !== undefined }
  }
}

/** The line break before a delimiter belongs to the delimiter. */
function beforeLineBreak(body: Buffer, at: number): number {
  if (body[at - 1] !== lineFeed) return at
  return body[at - 2] === carriageReturn ? at - 2 : at - 1
}

function parsePart(part: Buffer): Part {
  const headers = new Map<string, string>()
  for (let start = 0; ; ) {
    const feed = part.indexOf(lineFeed, start)
    if (feed === -1 || feed > maxHeaderBytes) throw new Invalid('multipart: a part has no end of its headers')
    const line = part.toString('utf8', start, feed).trimEnd()
    start = feed + 1
    if (line === '') return { headers, body: part.subarray(start) }
    const [, name, value] = /^([^\s:]+)\s*:\s*(.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined)
      throw new Invalid('multipart: a line among the headers of a part is no header')
    headers.set(name.toLowerCase(), value)
  }
}
