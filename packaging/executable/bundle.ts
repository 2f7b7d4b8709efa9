import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { build, type Plugin } from 'esbuild'

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

/** One file of CommonJS with all that it needs but Node itself. */
export async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, entry)],
    absWorkingDir: root,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    // Names stay: they stand in stack traces, and the OPC UA stack finds its classes by them.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    charset: 'ascii', // V8 keeps text of one byte a character where it can
    logLevel: 'error',
    plugins: [ownFiles, addons],
    external: ['proper-lockfile'], // of a way to lock files that the OPC UA stack does not go
  })
  return outputFiles[0]?.text ?? ''
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
