// @ts-check
import { locale, texts } from './texts.js'

const moments = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' })
const numbers = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
const spans = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })

/**
 * A moment of the box.
 * @param {number | null | undefined} at epoch milliseconds
 */
export const moment = (at) => (at === undefined || at === null ? undefined : moments.format(at))

/** @param {number} value */
export const number = (value) => numbers.format(value)

const units = /** @type {const} */ ([
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
])

/**
 * @param {number} at
 * @param {number} now
 */
export function ago(at, now) {
  const [unit, ms] = units.find(([, size]) => Math.abs(at - now) >= size) ?? ['second', 1000]
  return spans.format(Math.round((at - now) / ms), unit)
}

/** @param {number} count */
export function bytes(count) {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(names.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10))
  return `${numbers.format(count / 1024 ** power)} ${names[power]}`
}

/**
 * A word of the API in the language of who reads; as it is where there is none for it.
 * @param {string} word
 */
export const word = (word) => /** @type {Record<string, string>} */ (texts.words)[word] ?? word

/** @param {readonly string[]} names */
export const listed = (names) => names.join(', ')
