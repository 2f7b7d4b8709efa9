import type { Static, TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { Invalid } from './errors.ts'

export { parseJson } from './json.ts'

export interface Fault {
  /** JSON pointer. */
  path: string
  message: string
}

/** Checks data against a schema; throws `Invalid` with every fault and its path. */
export interface Parser<T> {
  (data: unknown, what: string): T
  faults(data: unknown): Fault[]
}

/** Declared beside the schema. Compiled on first use: much is declared, and little of it used in one process. */
export function parser<S extends TSchema>(schema: S): Parser<Static<S>> {
  let compiled: Validator<Record<never, TSchema>, S> | undefined
  const faults = (data: unknown): Fault[] => {
    compiled ??= Compile(schema)
    if (compiled.Check(data)) return []
    return compiled
      .Errors(data)
      .filter((error) => error.message !== 'schema is false') // repeats additionalProperties
      .map((error) => ({ path: error.instancePath, message: describe(error) }))
  }

  const parse = (data: unknown, what: string): Static<S> => {
    const found = faults(data)
    if (found.length === 0) return data as Static<S>
    const details = found.map(({ path, message }) => `${path === '' ? '/' : path} ${message}`)
    throw new Invalid(`${what}: ${details.join('; ')}`, { details })
  }
  return Object.assign(parse, { faults })
}

/** One fault in words; what would be right where the schema lists it. */
export function describe(error: { keyword: string; message: string; params: object }): string {
  if (error.keyword === 'enum' && 'allowedValues' in error.params)
    return `must be ${(error.params.allowedValues as unknown[]).join(' or ')}`
  if (error.keyword === 'additionalProperties' && 'additionalProperties' in error.params)
    return `has unknown ${(error.params.additionalProperties as string[]).join(', ')}`
  return error.message
}
