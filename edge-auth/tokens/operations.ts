import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import type { SigningKeys } from './keys.ts'

const parseNothing = parser(Type.Object({}, { additionalProperties: false }))

export function keyOperations(keys: SigningKeys): Operations {
  return {
    'auth.rotateKeys': async (params) => {
      parseNothing(params ?? {}, 'auth.rotateKeys')
      await keys.rotate()
      return { kid: keys.current.kid, published: keys.jwks.keys.map(({ kid }) => kid) }
    },
  }
}
