import { unescape as decode } from 'node:querystring'
import { Invalid } from '../../core/errors.ts'

/** The fields of a form, as OAuth reads them: without a value one is not there, and none is there twice. */
export interface OauthForm {
  /** Throws `Invalid` when it is there twice. */
  one(name: string): string | undefined
  /** For the few that may be repeated. */
  all(name: string): string[]
}

export const formType = 'application/x-www-form-urlencoded'
const maxFields = 100

/** Introspection reads one for every request of an app, so nothing is decoded that needs no decoding. */
export function readForm(body: string): OauthForm {
  const pairs = body.split('&', maxFields + 1)
  if (pairs.length > maxFields) throw new Invalid('the form has too many fields')
  const read = body.includes('%') || body.includes('+') ? decoded : asItIs
  const fields = pairs.map((pair) => {
    const equals = pair.indexOf('=')
    return equals < 0 ? [read(pair), ''] : [read(pair.slice(0, equals)), read(pair.slice(equals + 1))]
  }) as [name: string, value: string][]

  return {
    one(name) {
      let found: string | undefined
      for (const [known, value] of fields) {
        if (known !== name) continue
        if (found !== undefined) throw new Invalid(`${name} is given more than once`)
        found = value
      }
      return found || undefined
    },
    all: (name) =>
      fields.filter(([known, value]) => known === name && value !== '').map(([, value]) => value),
  }
}

const asItIs = (text: string): string => text
const decoded = (text: string): string => decode(text.replaceAll('+', ' '))
