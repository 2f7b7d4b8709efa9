import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { Conflict, NotFound } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import type { RunningTrial } from './adoption.ts'
import type { StatusParts } from './status.ts'
import type { Version } from './versions.ts'

export type { RunningTrial } from './adoption.ts'

export interface History {
  /** Newest first. */
  versions: Version[]
  /** Number of the one in force. */
  active?: number
}

const parseRevert = parser(
  Type.Object({ number: Type.Optional(Type.Integer({ minimum: 1 })) }, { additionalProperties: false }),
)

export function configurationOperations({ versions, adoption, consideration }: StatusParts): Operations {
  const history = (): History => {
    const { versions: known, active } = versions.current()
    return { versions: known.toReversed(), ...(active === undefined ? {} : { active }) }
  }

  /** The one that was in force before this one, unless told. */
  function chosen(number: number | undefined): Version {
    const { versions: known, active } = versions.current()
    const found =
      number === undefined
        ? known.findLast((each) => each.wasActive && each.number !== active)
        : known.find((each) => each.number === number)
    if (found) return found
    throw new NotFound(
      number === undefined
        ? 'there is no configuration that was in force before this one'
        : `there is no version ${number}; "edgeward config history" has those that are kept`,
    )
  }

  return {
    'config.history': async () => history(),
    async 'config.revert'(given) {
      const version = chosen(parseRevert(given, 'config.revert').number)
      if (version.number === versions.current().active)
        throw new Conflict(`version ${version.number} is in force already`)
      const content = await versions.content(version.number)
      if (!content) throw new NotFound(`the content of version ${version.number} is no longer there`)
      await consideration.revertTo(version, content)
      return { ...history().versions[0], of: version.number }
    },
    'config.trial': async (): Promise<{ trial: RunningTrial | null }> => ({
      trial: adoption.trial() ?? null,
    }),
  }
}
