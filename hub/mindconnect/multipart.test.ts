import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Invalid } from '../../core/errors.ts'
import { readItems } from './items.ts'
import { parseMultipart } from './multipart.ts'

const type = 'multipart/mixed; boundary=b'
const bodies = (text: string, contentType = type) =>
  parseMultipart(Buffer.from(text), contentType).map(({ body }) => body.toString())

test.each([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
])('parts are read with %s, with and without a space after the colon', (_name, eol) => {
  const lines = ['--b', 'Content-Type:a/b', 'X-Long: c', '', 'one', '--b', '', 'two', '', '--b--', '']
  const parts = parseMultipart(Buffer.from(lines.join(eol)), type)
  expect(parts.map(({ body }) => body.toString())).toEqual(['one', `two${eol}`])
  expect(parts[0]?.headers.get('content-type')).toBe('a/b')
  expect(parts[0]?.headers.get('x-long')).toBe('c')
})

test.each([
  'multipart/mixed;boundary=b',
  'multipart/mixed; charset=utf-8; Boundary="b"',
  'multipart/mixed;boundary=b;charset=utf-8',
  'multipart/mixed ; boundary = b ; charset=utf-8',
])('the boundary is found in %s', (contentType) => {
  expect(bodies('--b\n\nx\n--b--', contentType)).toEqual(['x'])
})

test('the last line need not end, and what stands around the parts is ignored', () => {
  expect(bodies('before\n--b\n\nx\r\n--b--')).toEqual(['x'])
  expect(bodies('--b\n\nx\r\n--b--\nafter\n--b\n\ny\n--b--')).toEqual(['x'])
})

test('a boundary within a line or as the beginning of a longer one is payload', () => {
  const payload = 'a --b-- b\n--bb\n--b-\nx--b'
  expect(bodies(`--b\n\n${payload}\n--b--`)).toEqual([payload])
})

test.each([
  ['no boundary', 'multipart/mixed', '--b\n\nx\n--b--'],
  ['no closing delimiter', type, '--b\n\nx\n'],
  ['no end of the headers', type, '--b\nContent-Type: a/b\n--b--'],
  ['a line that is no header', type, '--b\nhello world\n\nx\n--b--'],
  ['nothing', type, ''],
])('a body with %s is refused', (_fault, contentType, text) => {
  expect(() => bodies(text, contentType)).toThrow(Invalid)
})

test('every payload comes back byte for byte, with either line end', () => {
  const boundary = 'Zq8xMindConnectBoundary'
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), fc.constantFrom('\n', '\r\n'), (payloads, eol) => {
      // With LF alone, a CR at the end of the payload cannot be told from the line end.
      fc.pre(eol === '\r\n' || payloads.every((payload) => payload.at(-1) !== 0x0d))
      const parts = payloads.flatMap((payload) => [
        Buffer.from(`--${boundary}${eol}Content-Type: a/b${eol}${eol}`),
        payload,
        Buffer.from(eol),
      ])
      const body = Buffer.concat([...parts, Buffer.from(`--${boundary}--`)])
      const read = parseMultipart(body, `multipart/mixed;boundary=${boundary}`)
      expect(read.map((part) => [...part.body])).toEqual(payloads.map((payload) => [...payload]))
    }),
  )
})

test('whatever is sent as an exchange is read or refused as invalid', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '--b',
      '--b--',
      '--c',
      '--c--',
      '\n',
      '\r\n',
      '\n\n',
      '{"type":"item","payload":{"type":"file"}}',
    ),
    fc.constantFrom(
      'Content-Type:multipart/related;boundary=c',
      'Content-Type: application/json',
      '[]',
      '--',
    ),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.boolean(), (pieces, isFramed) => {
      const text = isFramed
        ? `--b\nContent-Type:multipart/related;boundary=c\n\n${pieces.join('')}\n--b--`
        : pieces.join('')
      try {
        readItems(Buffer.from(text), type)
      } catch (error) {
        expect(error).toBeInstanceOf(Invalid)
      }
    }),
    { numRuns: 500 },
  )
})
