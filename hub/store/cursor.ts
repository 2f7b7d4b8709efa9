import Type from 'typebox'
import { parseJson, parser } from '../../core/schema.ts'
import type { Position } from './reading-pages.ts'

const parsePosition = parser(Type.Tuple([Type.Integer(), Type.Integer(), Type.Integer()]))

export const writeCursor = (position: Position): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url')

/** Throws `Invalid` for what no page has given out. */
export const parseCursor = (cursor: string): Position =>
  parsePosition(parseJson(Buffer.from(cursor, 'base64url').toString(), 'cursor'), 'cursor')
