import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe } from 'vitest'

/**
 * A suite that needs other people's programs. Without them it is skipped by name; in CI, where they
 * must be there, it fails instead.
 */
export function describeWith(programs: readonly string[], name: string, suite: () => void): void {
  const missing = programs.filter((program) => findProgram(program) === undefined)
  if (missing.length === 0) describe(name, suite)
  else if (process.env.CI) throw new Error(`${name}: ${missing.join(', ')} not installed`)
  else describe.skip(`${name} (needs ${missing.join(', ')})`, suite)
}

export function findProgram(name: string): string | undefined {
  const dirs = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return dirs.map((dir) => join(dir, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
