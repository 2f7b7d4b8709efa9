/** What an app may beyond its own topics, and how fast. */
export interface AppRights {
  /** Topic filters. */
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
  /** Whether it may publish to topics that are measurements. */
  readonly writesTimeSeries: boolean
  /** Of what it publishes in a second; null: no limit. */
  readonly quota: { readonly messages: number | null; readonly bytes: number | null }
}

/** An app owns the topics below `apps/<client id>/`; elsewhere it has the business that it was granted. */
const home = (app: string): string => `apps/${app}/`

/** A client id is one topic level, so that no app's home lies within another's. */
export const isAppName = (name: string): boolean => /^[^/+#\0]{1,255}$/.test(name)

export const mayPublish = (app: string, topic: string, granted: readonly string[] = []): boolean =>
  !/[+#\0]/.test(topic) && (topic.startsWith(home(app)) || granted.some((filter) => covers(filter, topic)))

/** Wildcards only below its home or a grant; that excludes `#`, `$SYS` and `$share`, which aedes does not serve. */
export const maySubscribe = (app: string, filter: string, granted: readonly string[] = []): boolean =>
  filter.startsWith(home(app)) || granted.some((grant) => covers(grant, filter))

/** Whether each topic that `inner` means is one that `outer` means. */
export function covers(outer: string, inner: string): boolean {
  if (inner.startsWith('$')) return false
  const [wide, narrow] = [outer.split('/'), inner.split('/')]
  for (const [at, level] of wide.entries()) {
    if (level === '#') return true
    const given = narrow[at]
    if (given === undefined || given === '#') return false
    if (level !== '+' && level !== given) return false
  }
  return narrow.length === wide.length
}
