export const hasWildcard = (filter: string): boolean => /[+#]/.test(filter)

/** What MQTT takes as a filter: `+` and `#` stand for whole levels, `#` at the end only. */
export const isFilter = (filter: string): boolean =>
  filter !== '' && !filter.includes('\0') && /^((\+|[^/+#]*)\/)*(#|\+|[^/+#]*)$/.test(filter)

/** Whether each topic that `inner` means is one that `outer` means; a topic is a filter for itself. */
export function covers(outer: string, inner: string): boolean {
  if (inner.startsWith('$') && /^[+#]/.test(outer)) return false
  const wide = outer.split('/')
  const narrow = inner.split('/')
  for (const [at, level] of wide.entries()) {
    if (level === '#') return true
    const given = narrow[at]
    if (given === undefined || given === '#') return false
    if (level !== '+' && level !== given) return false
  }
  return narrow.length === wide.length
}

/** Without those that others cover: a broker may send a message once for each filter that fits. */
export function fewest(filters: readonly string[]): string[] {
  const all = [...new Set(filters)]
  return all.filter((filter) => !all.some((other) => other !== filter && covers(other, filter)))
}
