/**
 * Whether a request target (path and query) means the same to everyone who reads it: no part that one
 * server decodes, merges, resolves or cuts and another does not. Decisions about any other are refused.
 */
export function isPlainTarget(target: string): boolean {
  if (!/^\/[\x21-\x7e]*$/.test(target) || target.includes('#')) return false
  const [path] = target.split('?', 1) as [string]
  if (path.includes('//') || /[\\;]/.test(path)) return false
  // Encoded separators, dots, percent signs and control characters, and what never needs encoding.
  if (/%(?![0-9a-f]{2})|%(?:[01]\w|7f|2[35def]|5[cf]|3[bf]|7e|3\d|[46][1-9a-f]|[57][0-9a])/i.test(path))
    return false
  if (path.split('/').some((segment) => segment.endsWith('.'))) return false // "." and ".." too
  return !path.includes('%') || decodesToOneText(path)
}

/** UTF-8 in its shortest form, without letters that some servers turn into separators. */
function decodesToOneText(path: string): boolean {
  try {
    const text = decodeURIComponent(path)
    const foreign = text.replaceAll(/[\x20-\x7e]/g, '')
    return !/\p{Cc}|\p{Cf}/u.test(text) && !/[/\\.;:%?#]/.test(foreign.normalize('NFKC'))
  } catch {
    return false
  }
}

/**
 * Where to go after signing in: a path on this very origin, or undefined. What it returns may stand in
 * a Location header as it is.
 */
export function returnPath(asked: unknown): string | undefined {
  if (typeof asked !== 'string' || asked.length > 2048 || asked.includes('\\')) return undefined
  if (!isPlainTarget(asked)) return undefined
  const { origin, pathname, search } = new URL(asked, anyOrigin)
  return origin === anyOrigin && pathname + search === asked ? asked : undefined
}

const anyOrigin = 'https://box.invalid'

export const loginPath = '/device/edge/auth/login'
/** Below the login page, whose cookie it shares. */
export const newPasswordPath = `${loginPath}/new-password`
/** These too. */
export const codePath = `${loginPath}/code`
export const enrolmentPath = `${loginPath}/second-factor`
export const logoutPath = '/device/edge/auth/logout'

export const loginFor = (target: string): string => `${loginPath}?rd=${encodeURIComponent(target)}`
