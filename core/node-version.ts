import type { Logger } from './log.ts'
import { isSingleExecutable } from './program.ts'

/** By major release: the first in which decoding Brotli does not write out of bounds (CVE-2026-111497). */
const patched: Readonly<Record<number, readonly [minor: number, patch: number]>> = {
  22: [23, 4],
  24: [22, 1],
  26: [12, 1],
}
const newest = 26

export function isPatched(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  if (major > newest) return true
  const first = patched[major]
  return first !== undefined && (minor > first[0] || (minor === first[0] && patch >= first[1]))
}

/** We never decode Brotli, but whoever runs this should know. */
export function warnOfUnpatchedNode(log: Logger, version: string): void {
  if (isPatched(version)) return
  const cure = isSingleExecutable
    ? 'Install a newer release of edgeward: Node is a part of it.'
    : 'Update Node to 24.22.1 or newer.'
  log.warn({ node: version, cve: 'CVE-2026-111497', cure }, 'this Node has a known vulnerability')
}
