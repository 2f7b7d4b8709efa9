const iso8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/i

/** ISO 8601 with a zone → epoch milliseconds; what is finer is cut off. Undefined for any other text. */
export function parseTimestamp(text: string): number | undefined {
  if (!iso8601.test(text)) return undefined
  const time = Date.parse(text.replace(/(\.\d{3})\d+/, '$1'))
  return Number.isNaN(time) ? undefined : time
}
