import type { Filter, Order, Part, TextAttribute, TimeAttribute } from './filter.ts'

export interface Condition {
  /** With a `?` for each value, and nothing that somebody sent. */
  sql: string
  values: (Buffer | number)[]
}

/** Names are kept as bytes: in UTF-8, parts of texts are parts of their bytes, and the order is the same. */
export function filterSql(filter: Filter): Condition {
  switch (filter.is) {
    case 'present':
      return { sql: 'true', values: [] }
    case 'time':
      return { sql: `${columns[filter.attribute]} ${orders[filter.operator]} ?`, values: [filter.value] }
    case 'text':
      return textSql(columns[filter.attribute], filter.operator, Buffer.from(filter.value))
    default: {
      const of = filter.of.map(filterSql)
      return {
        sql: `(${of.map(({ sql }) => sql).join(` ${filter.is} `)})`,
        values: of.flatMap(({ values }) => values),
      }
    }
  }
}

function textSql(column: string, operator: Order | Part, value: Buffer): Condition {
  const isPart = operator === 'co' || operator === 'sw' || operator === 'ew'
  if (!isPart) return { sql: `${column} ${orders[operator]} ?`, values: [value] }
  const { length } = value
  if (length === 0) return { sql: 'true', values: [] } // a part of everything; of no bytes SQLite knows no part
  if (operator === 'co') return { sql: `instr(${column}, ?) > 0`, values: [value] }
  if (operator === 'sw') return { sql: `substr(${column}, 1, ?) = ?`, values: [length, value] }
  const sql = `(length(${column}) >= ? and substr(${column}, ?) = ?)`
  return { sql, values: [length, -length, value] }
}

const columns: Record<TextAttribute | TimeAttribute, string> = {
  relatedId: 'related_id',
  key: 'key',
  created: 'created_at',
  updated: 'updated_at',
}

const orders: Record<Order, string> = { eq: '=', ne: '<>', gt: '>', ge: '>=', lt: '<', le: '<=' }
