// @ts-check

import { german } from './texts-de.js'
import { english } from './texts-en.js'

const tags = navigator.languages.filter((tag) => /^(de|en)\b/i.test(tag))

/** German for who likes it more than English. */
export const language = /^de/i.test(tags[0] ?? '') ? 'de' : 'en'

/** How dates and numbers are written. */
export const locale = tags[0] ?? 'en'

export const texts = language === 'de' ? german : english

/**
 * A text with its places filled in.
 * @param {string} text
 * @param {Readonly<Record<string, string | number>>} values
 */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]))
