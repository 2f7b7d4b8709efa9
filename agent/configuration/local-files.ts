import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parse as parseToml, TomlError } from 'smol-toml'
import Type from 'typebox'
import { Invalid } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import { DataSource, withUpperCaseTypes } from '../../protocol/data-source-configuration.ts'
import { stepsOf, tomlLines } from './toml-lines.ts'

/** What the files of a folder say together. */
export interface LocalFiles {
  /** The same for the same files. */
  digest: string
  paths: readonly string[]
  dataSources: readonly DataSource[]
  /** Each with its file and line. */
  faults: readonly string[]
  /** `dataSources[3].customData.unit: …` among all of them → with the file and the line. */
  placed(fault: string): string
}

const maxBytes = 4 * 1024 * 1024
const parseFile = parser(
  Type.Object({ dataSources: Type.Array(DataSource) }, { additionalProperties: false }),
)

interface ReadFile {
  path: string
  text: string
  dataSources: DataSource[]
  faults: string[]
}

/** Changes when a file is written, added or removed; undefined: there is no folder. */
export async function signatureOf(dir: string): Promise<string | undefined> {
  const paths = await pathsIn(dir)
  if (paths === undefined) return undefined
  const all = await Promise.all(
    paths.map(async (path) => {
      const found = await stat(path).catch(() => undefined)
      return `${path} ${found?.mtimeMs} ${found?.size} ${found?.ino} ${found?.mode}`
    }),
  )
  return all.join('\n')
}

/** All `*.toml` of a folder, in the order of their names, or those given. No folder is as an empty one. Never rejects. */
export async function readLocalFiles(dir: string, given?: readonly string[]): Promise<LocalFiles> {
  const paths = given ?? (await pathsIn(dir)) ?? []
  const isOpen = given === undefined && (await mayEverybodyWrite(dir))
  const files: ReadFile[] = []
  for (const path of paths) files.push(await read(path))
  const places = files.flatMap((file) => file.dataSources.map((_, at) => ({ file, at })))
  const dataSources = files.flatMap((file) => file.dataSources)
  const digest = createHash('sha256').update(JSON.stringify(files.map(({ path, text }) => [path, text])))
  const placed = (fault: string): string => {
    const [, index, rest] = /^dataSources\[(\d+)\](.*)$/s.exec(fault) ?? []
    const place = places[Number(index)]
    return place && rest !== undefined ? inFile(place.file, `dataSources[${place.at}]${rest}`) : fault
  }
  return {
    ...{ digest: digest.digest('hex'), paths, dataSources, placed },
    faults: [
      ...(isOpen ? [`${dir}: everybody may write it; run "chmod o-w" on it`] : []),
      ...files.flatMap(({ faults }) => faults),
      ...repeatedNames(dataSources).map(placed),
    ],
  }
}

/** What stands in a file may be a command, which runs as the daemon. */
async function mayEverybodyWrite(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && (found.mode & 0o002) !== 0
}

async function pathsIn(dir: string): Promise<string[] | undefined> {
  const names = await readdir(dir).catch(() => undefined)
  return names
    ?.filter((name) => name.endsWith('.toml') && !name.startsWith('.'))
    .sort()
    .map((name) => join(dir, name))
}

async function read(path: string): Promise<ReadFile> {
  const file: ReadFile = { path, text: '', dataSources: [], faults: [] }
  try {
    const { size } = await stat(path)
    if (await mayEverybodyWrite(path)) throw new Invalid('everybody may write it; run "chmod o-w" on it')
    if (size > maxBytes) throw new Invalid(`is larger than ${maxBytes} bytes`)
    file.text = await readFile(path, 'utf8')
    return take(file)
  } catch (error) {
    const line = error instanceof TomlError ? `:${error.line}` : ''
    file.faults.push(`${path}${line}: ${(error as Error).message.split('\n')[0]}`)
    return file
  }
}

function take(file: ReadFile): ReadFile {
  const parse = file.path.endsWith('.json') ? JSON.parse : parseToml
  const document = withUpperCaseTypes(parse(file.text)) as { dataSources: DataSource[] }
  const faults = parseFile.faults(document)
  for (const { path, message } of faults) file.faults.push(inFile(file, `${dotted(path)}: ${message}`))
  if (faults.length === 0) file.dataSources = document.dataSources
  return file
}

function inFile({ path, text }: Pick<ReadFile, 'path' | 'text'>, fault: string): string {
  const [place = ''] = fault.split(': ', 1)
  return `${path}:${tomlLines(text).of(stepsOf(place))}: ${fault.replace(/^: /, '')}`
}

/** "/dataSources/0/name" → "dataSources[0].name". */
const dotted = (pointer: string): string =>
  pointer
    .slice(1)
    .split('/')
    .reduce(
      (path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : path === '' ? step : `${path}.${step}`),
      '',
    )

function repeatedNames(dataSources: readonly DataSource[]): string[] {
  const seen = new Set<string>()
  return dataSources.flatMap(({ name }, at) => {
    const isRepeated = seen.has(name)
    seen.add(name)
    return isRepeated
      ? [`dataSources[${at}].name: "${name}" is the name of another local data source, too`]
      : []
  })
}
