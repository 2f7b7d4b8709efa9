/** Who has signed in; only ever ours. */
export const identityHeaders = ['X-Auth-User', 'X-Auth-Roles'] as const

/** What a client may say to nobody behind the proxy: each is believed by somebody. */
export const strippedHeaders = [
  'X-Auth-Redirect',
  'X-Edgeward-Admin',
  'X-Forwarded-Method',
  'X-Forwarded-Prefix',
  'X-Forwarded-Uri',
  'X-Forwarded-User',
  'X-Original-Method',
  'X-Original-Uri',
  'X-Original-Url',
  'X-Rewrite-Url',
  'X-Real-Ip',
  'Forwarded',
  'Remote-User',
  'X-Remote-User',
  // An app that obeys these would do another method than the one that was asked about.
  'X-Http-Method',
  'X-Http-Method-Override',
  'X-Method-Override',
] as const

/** Some servers take "_" and "." for "-"; what is kept out must be kept out in every spelling. */
export function otherSpellings(name: string): string[] {
  const [first = '', ...rest] = name.split('-')
  const all = rest.reduce<string[]>(
    (begun, part) => begun.flatMap((text) => ['-', '_', '.'].map((dash) => `${text}${dash}${part}`)),
    [first],
  )
  return all.filter((spelling) => spelling !== name)
}
