import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { inject as postject } from 'postject'
import { filesAsset, type Inside, indexAsset } from '../../core/inside.ts'
import { bootFile } from '../../core/program.ts'
import { bootScript, dataFiles, programParts, root } from './bundle.ts'
import { type Arch, foreignPackages } from './foreign.ts'

/**
 * Makes the single executable: Node itself with our program inside, as its documentation on single
 * executable applications describes.
 *
 *   node packaging/executable/build.ts [--arch x64|arm64] [--out FILE]
 */
const run = promisify(execFile)

const { values } = parseArgs({ options: { arch: { type: 'string' }, out: { type: 'string' } } })
const arch = archOf(values.arch ?? process.arch)
const out = values.out ?? join(root, 'dist', `linux-${arch}`, 'edgeward')
const work = join(root, 'dist', `linux-${arch}`, 'parts')

await rm(work, { recursive: true, force: true })
await mkdir(work, { recursive: true })
const packages = await packagesFor(arch)
const blob = await makeBlob(work)
await inside(blob)
process.stdout.write(`${JSON.stringify({ executable: out, arch })}\n`)

function archOf(text: string): Arch {
  if (text === 'x64' || text === 'arm64') return text
  throw new Error(`--arch ${text}: x64 or arm64`)
}

/** Where the packages lie that hold machine code. */
async function packagesFor(wanted: Arch) {
  const names = [`node-linux-${wanted}`, `@node-rs/argon2-linux-${wanted}-gnu`] as const
  const [node, argon2] =
    wanted === process.arch
      ? names.map((name) => join(root, 'node_modules', name))
      : await foreignPackages(names)
  return { node: node as string, argon2: argon2 as string }
}

async function makeBlob(dir: string): Promise<string> {
  const boot = await bootScript()
  const files = new Map([[bootFile, Buffer.from(boot)]])
  for (const [path, text] of await programParts()) files.set(path, Buffer.from(text))
  for (const name of await dataFiles()) files.set(`/${name}`, await readFile(join(root, name)))
  const { index, content } = packed(files)
  const assets: Record<string, string> = {
    [indexAsset]: await written(join(dir, indexAsset), JSON.stringify(index)),
    [filesAsset]: await written(join(dir, filesAsset), content),
  }
  for (const [name, path] of Object.entries(addonFiles()))
    assets[`/addons/${name}-${await hashOf(path)}.node`] = path
  const config = {
    main: await written(join(dir, 'main.cjs'), `${boot}boot.start()`),
    output: join(dir, 'sea.blob'),
    disableExperimentalSEAWarning: true,
    // New objects die young here: a small nursery costs little time, and saves tens of megabytes.
    execArgv: ['--max-semi-space-size=1'],
    assets,
  }
  const configFile = await written(join(dir, 'sea.json'), JSON.stringify(config, null, 2))
  await run(process.execPath, ['--experimental-sea-config', configFile])
  return config.output
}

/** One after the other, in an order that is always the same. */
function packed(files: ReadonlyMap<string, Buffer>): { index: Inside; content: Buffer } {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  const content = Buffer.concat(sorted.map(([, each]) => each))
  const index: Inside = { build: createHash('sha256').update(content).digest('hex').slice(0, 16), files: {} }
  let start = 0
  for (const [path, { length }] of sorted) {
    index.files[path] = [start, length]
    start += length
  }
  return { index, content }
}

/** As addon.ts takes it of the file that it has unpacked. */
async function hashOf(path: string): Promise<string> {
  const content = await readFile(path)
  return createHash('sha256').update(content).digest('hex').slice(0, 32)
}

function addonFiles(): Record<string, string> {
  const modules = join(root, 'node_modules')
  const serial = arch === 'arm64' ? 'armv8.glibc' : 'glibc'
  return {
    better_sqlite3: join(modules, 'better-sqlite3', 'prebuilds', `linux-${arch}.node`),
    argon2: join(packages.argon2, `argon2.linux-${arch}-gnu.node`),
    serialport: join(
      modules,
      '@serialport',
      'bindings-cpp',
      'prebuilds',
      `linux-${arch}`,
      `@serialport+bindings-cpp.${serial}.node`,
    ),
  }
}

/** Stripped first: what is injected would not survive it. */
async function inside(path: string): Promise<void> {
  const draft = join(work, 'edgeward')
  await copyFile(join(packages.node, 'bin', 'node'), draft)
  await run(arch === process.arch ? 'strip' : 'aarch64-linux-gnu-strip', ['--strip-unneeded', draft])
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
  await postject(draft, 'NODE_SEA_BLOB', await readFile(path), { sentinelFuse: fuse })
  await chmod(draft, 0o755)
  await mkdir(dirname(out), { recursive: true })
  await rename(draft, out)
  await rm(work, { recursive: true })
}

async function written(path: string, content: string | Buffer): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  return path
}
