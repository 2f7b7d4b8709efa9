import { createRequire } from 'node:module'
import { isSingleExecutable } from '../../../core/program.ts'

/** The package is large and optional. Nothing of it is loaded here. */
export function isInstalled(): boolean {
  if (isSingleExecutable) return true // it is within
  try {
    createRequire(import.meta.url).resolve('node-opcua-client')
    return true
  } catch (error) {
    // It may be there and not meant for require.
    return (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND'
  }
}
