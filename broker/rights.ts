/** An app owns the topics below `apps/<client id>/` and has no business elsewhere. */
const home = (app: string): string => `apps/${app}/`

/** A client id is one topic level, so that no app's home lies within another's. */
export const isAppName = (name: string): boolean => /^[^/+#\0]{1,255}$/.test(name)

export const mayPublish = (app: string, topic: string): boolean =>
  topic.startsWith(home(app)) && !/[+#\0]/.test(topic)

/** Wildcards only below its home; that excludes `#`, `+/…`, `$SYS` and `$share`, which aedes does not serve. */
export const maySubscribe = (app: string, filter: string): boolean => filter.startsWith(home(app))
