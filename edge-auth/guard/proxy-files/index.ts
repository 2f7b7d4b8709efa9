import { caddyFile } from './caddy.ts'
import { nginxFile } from './nginx.ts'
import type { ProxyFileConfig, ServedGate } from './served.ts'
import { traefikFile } from './traefik.ts'

export type { ProxyFileConfig, ServedGate }

const files = { nginx: nginxFile, caddy: caddyFile, traefik: traefikFile }
export type ProxyKind = keyof typeof files
export const proxyKinds = Object.keys(files) as ProxyKind[]

/** The whole configuration of a proxy that serves these apps, each behind its gate. */
export function proxyFile(kind: ProxyKind, gates: readonly ServedGate[], config: ProxyFileConfig): string {
  const nearestFirst = [...gates].sort((a, b) => b.path.length - a.path.length || (a.path < b.path ? -1 : 1))
  return files[kind](nearestFirst, config)
}
