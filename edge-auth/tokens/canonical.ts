/** Longer than any token of ours. */
const maxLength = 4096

/**
 * The one text of a token. Decoders also take padding, blanks, the other alphabet and stray bits in the
 * last character, so without this one token would have many texts.
 */
export function isCanonical(token: string): boolean {
  if (token.length > maxLength || !/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(token))
    return false
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}
