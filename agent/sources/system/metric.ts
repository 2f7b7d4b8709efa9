import type { DataPointType } from '../../../protocol/data-source-configuration.ts'
import type { Look } from './host.ts'

/** Which one is meant where a machine has several. */
export const optionKeys = ['path', 'interface', 'zone', 'core', 'device'] as const
export type OptionKey = (typeof optionKeys)[number]

export interface Option {
  key: OptionKey
  required: boolean
  /** What this machine has. */
  names(look: Look): Promise<string[]>
}

export interface Metric {
  /** Whole numbers fit INT, LONG and DOUBLE points, fractions DOUBLE only, yes and no BOOLEAN. */
  kind: 'whole' | 'fraction' | 'boolean'
  /** Of UCUM where there is one; empty for mere numbers. */
  unit: string
  /** The one key beside `metric` that the point may have. */
  option?: Option
  /** Undefined: there is no value yet. Rejects when this machine does not have the metric. */
  read(look: Look, option: string | undefined): Promise<number | bigint | boolean | undefined>
}

export const fitting: Readonly<Record<Metric['kind'], readonly DataPointType[]>> = {
  whole: ['INT', 'LONG', 'DOUBLE'],
  fraction: ['DOUBLE'],
  boolean: ['BOOLEAN'],
}

export type Metrics = Readonly<Record<string, Metric>>

export const fraction = (unit: string, read: Metric['read']): Metric => ({ kind: 'fraction', unit, read })
export const whole = (unit: string, read: Metric['read']): Metric => ({ kind: 'whole', unit, read })
export const flag = (read: Metric['read']): Metric => ({ kind: 'boolean', unit: '', read })
