/** A number that is read when somebody asks, under a Prometheus name. */
export interface Gauge {
  name: string
  help: string
  /** One for each set of labels; none while there is nothing to tell. */
  samples: readonly { labels?: Readonly<Record<string, string>>; value: number }[]
}
