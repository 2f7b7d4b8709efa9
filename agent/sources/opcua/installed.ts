import { createRequire } from 'node:module'

/** The package is large and optional. Nothing of it is loaded here. */
export function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve('node-opcua-client')
    return true
  } catch (error) {
    // It may be there and not meant for require.
    return (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND'
  }
}
