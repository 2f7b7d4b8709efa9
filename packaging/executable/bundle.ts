import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { type BuildOptions, build, type Plugin, transform } from 'esbuild'

/** The repository. */
export const root = join(import.meta.dirname, '..', '..')

/** The modules of a package that look for its addon on disk, and the addon that they are to get. */
const addonLoaders: readonly (readonly [RegExp, addon: string, asExport: string])[] = [
  [
    /better-sqlite3\/lib\/binding\.js$/,
    'better_sqlite3',
    'module.exports = { getBinding: (given) => given ?? addon() }',
  ],
  [/@node-rs\/argon2\/index\.js$/, 'argon2', 'module.exports = addon()'],
  [/@serialport\/bindings-cpp\/dist\/serialport-bindings\.js$/, 'serialport', 'exports.binding = addon()'],
]

const common: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node24',
  // Names stay: they stand in stack traces, and the OPC UA stack finds its classes by them.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  charset: 'ascii', // V8 keeps text of one byte a character where it can
  logLevel: 'error',
}

/** A script that leaves `boot`. */
export async function bootScript(): Promise<string> {
  const entryPoints = [join(root, 'packaging/executable/boot.ts')]
  const { outputFiles } = await build({ ...common, entryPoints, format: 'iife', globalName: 'boot' })
  return outputFiles?.[0]?.text ?? ''
}

/**
 * The program in parts, by path: what starts a process or thread under the name of its file, and what
 * several of them have in common, or what is imported later, in parts of their own.
 */
export async function programParts(): Promise<Map<string, string>> {
  const entries = ['packaging/executable/entry.ts', ...(await threadEntries())]
  const { outputFiles = [] } = await build({
    ...common,
    entryPoints: entries.map((entry) => join(root, entry)),
    format: 'esm',
    splitting: true,
    outbase: root,
    outdir: root,
    outExtension: { '.js': '.ts' }, // as the program names its files
    chunkNames: 'parts/[name]-[hash]',
    plugins: [ownFiles, addons],
    external: ['proper-lockfile'], // of a way to lock files that the OPC UA stack does not go
  })
  return new Map(
    await Promise.all(
      outputFiles.map(async ({ path, text }) => [path.slice(root.length), await asFunction(text)] as const),
    ),
  )
}

/** A module as boot.ts runs it. */
async function asFunction(text: string): Promise<string> {
  const { code } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    minifyWhitespace: true,
    charset: 'ascii',
    supported: { 'dynamic-import': false }, // parts are loaded by `require` alone
  })
  return `(function(exports,require,module,__filename,__dirname){${code}})`
}

/** `import.meta.url` of a file of ours is its name inside the executable. */
const ownFiles: Plugin = {
  name: 'own files',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const name = relative(root, path)
      if (name.startsWith('node_modules')) return undefined
      const text = await readFile(path, 'utf8')
      return { contents: text.replaceAll('import.meta.url', `'edgeward:/${name}'`), loader: 'ts' }
    })
  },
}

const addons: Plugin = {
  name: 'addons',
  setup({ onLoad }) {
    for (const [filter, addon, asExport] of addonLoaders)
      onLoad({ filter }, () => ({
        contents: `const { loadAddon } = require(${JSON.stringify(join(import.meta.dirname, 'addon.ts'))})
          const addon = () => loadAddon('${addon}')
          ${asExport}`,
        loader: 'js',
        resolveDir: root,
      }))
  },
}

/** Files of ours that run in a thread or process of their own: whatever `threadUrl` names. */
export async function threadEntries(): Promise<string[]> {
  const named = /threadUrl\('([^']+)', import\.meta\.url\)/g
  const sources = (await productFiles()).filter((name) => name.endsWith('.ts'))
  const entries = new Set<string>()
  for (const source of sources)
    for (const [, name] of (await readFile(join(root, source), 'utf8')).matchAll(named))
      entries.add(join(source, '..', `${name}.ts`))
  return [...entries].sort()
}

/** Files that are read as they are: schemas of the databases, pages of the console. */
export const dataFiles = async (): Promise<string[]> => [
  'package.json',
  ...(await productFiles()).filter(
    (name) =>
      /\/migrations\/[^/]+\.sql$/.test(name) || /^console\/pages\/[^/]+\.(html|css|js|svg)$/.test(name),
  ),
]

const productFolders = 'agent backup broker certs cli console core edge-auth hub protocol'.split(' ')

async function productFiles(): Promise<string[]> {
  const found = await Promise.all(
    productFolders.map(async (folder) => {
      const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    }),
  )
  return found.flat().sort()
}
