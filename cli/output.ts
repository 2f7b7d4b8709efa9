import { EdgeError } from '../core/errors.ts'

/** A result on stdout: one JSON line, or what `text` makes of it for people. */
export function print(json: boolean, result: unknown, text: string | (() => string)): void {
  const said = json ? JSON.stringify(result) : typeof text === 'string' ? text : text()
  if (said !== '') process.stdout.write(`${said}\n`)
}

/** Rows under headings, aligned; `empty` when there are none. */
export function columns(
  headings: readonly string[],
  rows: readonly (readonly unknown[])[],
  empty: string,
): string {
  if (rows.length === 0) return empty
  const lines = [
    headings,
    ...rows.map((row) => row.map((cell) => (cell === undefined || cell === null ? '-' : String(cell)))),
  ]
  const widths = headings.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** "label   value" lines; a value of undefined is left out. */
export function fields(entries: readonly (readonly [string, unknown])[]): string {
  const shown = entries.filter(([, value]) => value !== undefined)
  const width = Math.max(0, ...shown.map(([label]) => label.length))
  return shown.map(([label, value]) => `${label.padEnd(width)}  ${value}`).join('\n')
}

export const when = (at: number | undefined): string | undefined =>
  at === undefined
    ? undefined
    : new Date(at)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, ' UTC')

/** Says what failed and what to do; returns the exit code of the contract. */
export function reportError(error: unknown, json: boolean): number {
  if (error instanceof Error && 'syscall' in error) {
    process.stderr.write(`edgeward: ${error.message}\n`) // the file system said no
    return 1
  }
  if (!(error instanceof EdgeError)) {
    process.stderr.write(
      `edgeward: internal error: ${error instanceof Error ? error.stack : String(error)}\n`,
    )
    return 1
  }
  const { code, message, cure } = error
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, cure } })}\n`)
  process.stderr.write(`edgeward: ${message}\n${cure ? `  ${cure}\n` : ''}`)
  return error.exitCode
}
