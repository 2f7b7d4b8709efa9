import { Invalid } from '../core/errors.ts'
import type { Database } from '../core/sqlite.ts'

/** One page of what a tenant has. */
export interface PageQuery {
  tenant: string
  /** Equality. Throws `Invalid` at the query for a property that cannot be filtered or sorted by. */
  filter: Readonly<Record<string, string | number>>
  sort: readonly { property: string; descending: boolean }[]
  /** Counted from 0. */
  page: number
  size: number
}

export interface Page<Row> {
  rows: Row[]
  /** On all pages. */
  total: number
}

export interface PagedTable {
  /** What is selected, as `column AS property, …`. */
  select: string
  from: string
  /** Column of the tenant, and those that can be filtered and sorted by, each by its property. */
  tenant: string
  columns: Readonly<Record<string, string>>
  /** The order where none is asked for, and among equals. */
  order: string
}

/** Pages of one table, in SQL. */
export function pagesOf<Row>(db: Database, { select, from, tenant, columns, order }: PagedTable) {
  const columnOf = (property: string): string => {
    const column = Object.hasOwn(columns, property) ? columns[property] : undefined
    if (column === undefined) throw new Invalid(`${property} is none of ${Object.keys(columns).join(', ')}`)
    return column
  }
  return ({ tenant: of, filter, sort, page, size }: PageQuery): Page<Row> => {
    const conditions = Object.keys(filter).map((property) => `${columnOf(property)} = ?`)
    const matching = `FROM ${from} WHERE ${[`${tenant} = ?`, ...conditions].join(' AND ')}`
    const ordered = sort.map(
      ({ property, descending }) => `${columnOf(property)} ${descending ? 'DESC' : 'ASC'}`,
    )
    const given = [of, ...Object.values(filter)]
    const rows = db.prepare<unknown[], Row>(
      `SELECT ${select} ${matching} ORDER BY ${[...ordered, order].join(', ')} LIMIT ? OFFSET ?`,
    )
    const count = db.prepare<unknown[], { total: number }>(`SELECT count(*) AS total ${matching}`)
    return { rows: rows.all(...given, size, page * size), total: count.get(...given)?.total ?? 0 }
  }
}
