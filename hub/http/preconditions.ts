import Type from 'typebox'
import { Invalid } from '../../core/errors.ts'

/** Optimistic locking: the version that the caller has seen. */
export const IfMatch = Type.Object({ 'if-match': Type.Optional(Type.String()) })

/** Agents in the field send the bare number; RFC 9110 wants quotes. Throws `Invalid`. */
export function requireIfMatch({ 'if-match': text }: { 'if-match'?: string }): number {
  const eTag = /^(?:W\/)?("?)(\d{1,15})\1$/.exec(text ?? '')?.[2]
  if (eTag === undefined) throw new Invalid('If-Match with the eTag of the version to change is required')
  return Number(eTag)
}
