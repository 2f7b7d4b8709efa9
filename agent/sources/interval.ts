import Type from 'typebox'

/** "250ms", "10s", "1h": how often a polled source is read. */
export const Interval = Type.String({ pattern: '^\\d{1,9}(ms|s|m|h|d)$' })

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Takes what `Interval` takes. */
export const intervalMs = (text: string): number =>
  Number.parseInt(text, 10) * (units[text.replace(/^\d+/, '')] as number)
