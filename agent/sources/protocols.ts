import { mqtt } from './mqtt/index.ts'
import type { Protocol } from './source.ts'
import { systemOf } from './system/index.ts'

/** What `customData.protocol` of a data source may say. */
export const protocols: Readonly<Record<string, Protocol>> = {
  system: systemOf({ proc: '/proc', sys: '/sys' }),
  mqtt,
}
