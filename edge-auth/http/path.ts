/**
 * Whether a request target (path and query) means the same to everyone who reads it: no part that one
 * server decodes, merges, resolves or cuts and another does not. Decisions about any other are refused.
 */
export function isPlainTarget(target: string): boolean {
  if (!/^\/[\x21-\x7e]*$/.test(target) || /[\\#]/.test(target)) return false
  const [path] = target.split('?', 1) as [string]
  if (path.includes('//') || path.includes(';')) return false
  // Encoded separators, dots and control characters, and what never needs encoding.
  if (/%(?![0-9a-f]{2})|%(?:[01]\w|7f|2f|5c|3b|2[de]|5f|7e|3\d|[46][1-9a-f]|[57][0-9a])/i.test(path))
    return false
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) return false
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false // not UTF-8
  }
}

/**
 * Where to go after signing in: a path on this very origin, or undefined. What it returns may stand in
 * a Location header as it is.
 */
export function returnPath(asked: unknown): string | undefined {
  if (typeof asked !== 'string' || asked.length > 2048 || !isPlainTarget(asked)) return undefined
  const { origin, pathname, search } = new URL(asked, anyOrigin)
  return origin === anyOrigin && pathname + search === asked ? asked : undefined
}

const anyOrigin = 'https://box.invalid'

export const loginPath = '/device/edge/auth/login'

export const loginFor = (target: string): string => `${loginPath}?rd=${encodeURIComponent(target)}`
