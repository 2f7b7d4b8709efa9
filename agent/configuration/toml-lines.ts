/** Where the keys of a TOML document stand. */
export interface TomlLines {
  /** The line of a place such as `dataSources[0].customData.unit`, or of the nearest that encloses it. */
  of(path: readonly (string | number)[]): number
}

export function tomlLines(text: string): TomlLines {
  const lines = new Map<string, number>()
  const lengths = new Map<string, number>()
  let table: (string | number)[] = []

  const say = (path: readonly (string | number)[], line: number) => {
    const key = path.join('\0')
    if (!lines.has(key)) lines.set(key, line)
  }
  /** `dataSources.dataPoints` within the newest of the arrays on the way. */
  function within(keys: readonly string[]): (string | number)[] {
    const path: (string | number)[] = []
    for (const key of keys) {
      const length = lengths.get(path.join('\0'))
      if (length !== undefined) path.push(length - 1)
      path.push(key)
    }
    return path
  }

  for (const [index, line] of text.split('\n').entries()) {
    const [, open, header] = /^\s*(\[\[?)\s*([^\]]+?)\s*\]/.exec(line) ?? []
    if (header !== undefined) {
      const path = within(keysOf(header))
      const key = path.join('\0')
      say(path, index + 1)
      if (open === '[[') lengths.set(key, (lengths.get(key) ?? 0) + 1)
      const last = lengths.get(key)
      table = last === undefined ? path : [...path, last - 1]
      say(table, index + 1)
      continue
    }
    const name = /^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=/.exec(line)?.[1]
    if (name !== undefined)
      for (const [at] of keysOf(name).entries()) say([...table, ...keysOf(name).slice(0, at + 1)], index + 1)
  }

  return {
    of(path) {
      for (let length = path.length; length > 0; length--) {
        const line = lines.get(path.slice(0, length).join('\0'))
        if (line !== undefined) return line
      }
      return 1
    },
  }
}

const keysOf = (text: string): string[] =>
  (text.match(/"[^"]*"|'[^']*'|[\w-]+/g) ?? []).map((key) => key.replaceAll(/^["']|["']$/g, ''))

/** "dataSources[0].customData.unit" and "/dataSources/0/customData/unit" → its steps. */
export function stepsOf(path: string): (string | number)[] {
  return path
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split(/[./]/)
    .filter((step) => step !== '')
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step))
}
