/** A number that is read when somebody asks, under a Prometheus name; a counter only grows, until a restart. */
export interface Gauge {
  name: string
  help: string
  /** A gauge unless told. */
  kind?: 'gauge' | 'counter' | 'histogram'
  /** One for each set of labels; none while there is nothing to tell. */
  samples: readonly Sample[]
}

export interface Sample {
  labels?: Readonly<Record<string, string>>
  value: number
  /** Of a histogram: which of its series. */
  suffix?: '_bucket' | '_sum' | '_count'
}

/** It has no sample while the value is not known. */
export const number = (name: string, help: string, value: number | undefined): Gauge => ({
  name,
  help,
  samples: value === undefined ? [] : [{ value }],
})

export const counter = (name: string, help: string, value: number | undefined): Gauge => ({
  ...number(name, help, value),
  kind: 'counter',
})

/** `at` in epoch milliseconds. */
export const moment = (name: string, help: string, at: number | undefined): Gauge =>
  number(name, help, at === undefined ? undefined : at / 1000)

/** One sample for each member, under its name. Only for members that are a closed set. */
export const byLabel = (label: string, values: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }))

const rest = 'other'

/**
 * Names that people choose: so many have a series of their own, and all that come after them share
 * `other`, so that nobody who makes up names can fill the memory of who collects them.
 */
export function bounded(
  label: string,
  values: Iterable<readonly [name: string, value: number]>,
  { most, together }: { most: number; together: (a: number, b: number) => number },
): Sample[] {
  const shown = new Map<string, number>()
  for (const [name, value] of values) {
    const key = shown.has(name) || shown.size < most ? name : rest
    const before = shown.get(key)
    shown.set(key, before === undefined ? value : together(before, value))
  }
  return byLabel(label, Object.fromEntries(shown))
}

export const sum = (a: number, b: number): number => a + b
