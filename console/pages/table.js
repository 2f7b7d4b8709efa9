// @ts-check
/** @import {Child} from './elements.js' */
import { h } from './elements.js'

/**
 * A list of things; on a phone each becomes a block. The first column names the thing. Roles are said
 * aloud, since a table that is laid out otherwise loses its own.
 * @template T
 * @param {string} caption for who cannot see what stands above
 * @param {readonly T[]} rows
 * @param {readonly { label: string, of: (row: T) => Child | readonly Child[], narrow?: boolean, wide?: boolean }[]} columns
 * @param {string} none said when there is nothing
 */
export function table(caption, rows, columns, none) {
  if (rows.length === 0) return h('p', { class: 'none' }, none)
  const head = columns.map(({ label }) => h('th', { role: 'columnheader', scope: 'col' }, label))
  return h(
    'table',
    { role: 'table', 'aria-label': caption },
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, head)),
    h(
      'tbody',
      { role: 'rowgroup' },
      rows.map((row) => h('tr', { role: 'row' }, cells(row, columns))),
    ),
  )
}

/**
 * @template T
 * @param {T} row
 * @param {readonly { label: string, of: (row: T) => Child | readonly Child[], narrow?: boolean, wide?: boolean }[]} columns
 */
const cells = (row, columns) =>
  columns.map(({ label, of, narrow, wide }, at) => {
    const content = of(row)
    const isEmpty = Array.isArray(content) ? content.every((part) => !part) : content === '' || !content
    const kinds = [narrow && 'narrow', wide && 'wide', isEmpty && 'empty'].filter((kind) => kind)
    const attributes = { 'data-label': label, class: kinds.length > 0 ? kinds.join(' ') : undefined }
    return at === 0
      ? h('th', { role: 'rowheader', scope: 'row', ...attributes }, content)
      : h('td', { role: 'cell', ...attributes }, h('div', {}, content))
  })
