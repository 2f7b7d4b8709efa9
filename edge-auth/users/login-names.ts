import { Conflict, Invalid } from '../../core/errors.ts'
import type { User } from '../store/index.ts'

/** The option that says whether `Ann` and `ann` are one. */
export const login = 'login'
export const ignoreCase = 'ignore.case'

/** Names are ASCII: this is all that case means. */
export const fold = (name: string): string => name.toLowerCase()

/** Who acts without a user stands in the audit under this name. */
const reserved = ['machine']

/**
 * Names and aliases are one set: nobody signs in by what is another's. Throws `Conflict`; `own` are
 * those of the user whose name is to change.
 */
export function refuseTaken(name: string, users: readonly User[], ignoreCase: boolean, own?: User): void {
  if (reserved.includes(fold(name))) throw new Invalid(`the name ${name} is reserved`)
  const spell = ignoreCase ? fold : (text: string) => text
  const taken = users.some((user) =>
    [user.name, user === own ? null : user.alias].some(
      (other) => other !== null && spell(other) === spell(name),
    ),
  )
  if (taken) throw new Conflict(`${name} is a user's name or alias already`, 'name_taken')
}

export function refuseCollisions(names: readonly string[]): void {
  if (names.length === 0) return
  const message = `${names.join(', ')} would be the same name`
  throw new Conflict(message, 'name_taken')
}
