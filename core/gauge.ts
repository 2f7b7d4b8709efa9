/** A number that is read when somebody asks, under a Prometheus name; a counter only grows, until a restart. */
export interface Gauge {
  name: string
  help: string
  /** A gauge unless told. */
  kind?: 'gauge' | 'counter'
  /** One for each set of labels; none while there is nothing to tell. */
  samples: readonly { labels?: Readonly<Record<string, string>>; value: number }[]
}
