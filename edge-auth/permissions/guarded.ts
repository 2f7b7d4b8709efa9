import type { Operations } from '../../core/control.ts'
import type { Authority } from './authority.ts'
import type { Need } from './permission.ts'

/** For operations where one permission says it all; each must have its own. */
export function guarded<O extends Operations>(
  operations: O,
  needs: { readonly [K in keyof O]: Need | ((params: unknown) => Need) },
  demand: Authority['demand'],
): Operations {
  return Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => {
      const need = needs[name]
      if (!need) throw new Error(`nobody has said what ${name} needs`)
      return [
        name,
        async (params, caller) => {
          demand(caller, typeof need === 'function' ? need(params) : need)
          return operation(params, caller)
        },
      ]
    }),
  )
}
