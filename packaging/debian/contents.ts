import { execFile } from 'node:child_process'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { thirdPartyLicenses } from './licenses.ts'
import type { Entry } from './tree.ts'

const run = promisify(execFile)

export interface ContentsOptions {
  readonly repository: string
  readonly version: string
  readonly architecture: string
  readonly executable: string
  /** Epoch milliseconds. */
  readonly madeAt: number
}

/** All that the package holds. */
export async function filesOf(options: ContentsOptions): Promise<Entry[]> {
  const files = [
    ...program(options),
    ...(await units(options)),
    ...(await configuration(options)),
    ...(await words(options)),
    ...(await documentation(options)),
  ]
  return [...files, ...(await control(options, files))]
}

const own = ({ repository }: ContentsOptions, name: string): string =>
  join(repository, 'packaging', 'debian', name)

/** The scripts make the release and the links to it; dpkg knows the one executable. */
const program = (options: ContentsOptions): Entry[] => [
  { path: 'usr/lib/edgeward/edgeward', from: options.executable, mode: 0o755 },
  { path: 'usr/lib/edgeward/release-guard', from: own(options, 'release-guard'), mode: 0o755 },
  { path: 'usr/lib/edgeward/oldest-compatible', from: own(options, 'oldest-compatible') },
  { path: 'usr/bin/edgeward', link: '../lib/edgeward/current/edgeward' },
]

async function units(options: ContentsOptions): Promise<Entry[]> {
  const folder = join(options.repository, 'systemd')
  const names = await readdir(folder)
  return [
    ...names
      .filter((name) => /\.(service|timer|path|socket|target)$/.test(name))
      .sort()
      .map((name) => ({ path: `lib/systemd/system/${name}`, from: join(folder, name) })),
    { path: 'usr/lib/sysusers.d/edgeward.conf', from: own(options, 'sysusers.conf') },
    { path: 'usr/lib/tmpfiles.d/edgeward.conf', from: own(options, 'tmpfiles.conf') },
  ]
}

async function configuration(options: ContentsOptions): Promise<Entry[]> {
  const example = await edgeward(options, 'config', 'example')
  return [
    { path: 'etc/edgeward/edgeward.toml', text: example },
    { path: 'etc/edgeward/sources.d', directory: true },
  ]
}

/** What is said of the commands elsewhere than in --help. */
async function words(options: ContentsOptions): Promise<Entry[]> {
  const date = new Date(options.madeAt).toISOString().slice(0, 10)
  return [
    {
      path: 'usr/share/bash-completion/completions/edgeward',
      text: await edgeward(options, 'completion', 'bash'),
    },
    {
      path: 'usr/share/zsh/vendor-completions/_edgeward',
      text: await edgeward(options, 'completion', 'zsh'),
    },
    {
      path: 'usr/share/fish/vendor_completions.d/edgeward.fish',
      text: await edgeward(options, 'completion', 'fish'),
    },
    {
      path: 'usr/share/man/man1/edgeward.1.gz',
      text: zipped(await edgeward(options, 'manual', '--date', date)),
    },
  ]
}

async function documentation(options: ContentsOptions): Promise<Entry[]> {
  const { repository, madeAt } = options
  const at = 'usr/share/doc/edgeward'
  const guides = (await filesBelow(join(repository, 'docs'))).filter((file) => /\.(md|json)$/.test(file))
  const date = new Date(madeAt).toUTCString().replace('GMT', '+0000')
  const changes = `edgeward (${options.version}) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- ${maintainer}  ${date}\n`
  return [
    { path: `${at}/copyright`, from: own(options, 'copyright') },
    { path: `${at}/changelog.gz`, text: zipped(changes) },
    { path: `${at}/CHANGELOG.md.gz`, text: zipped(await readFile(join(repository, 'CHANGELOG.md'))) },
    { path: `${at}/README.md`, from: join(repository, 'README.md') },
    { path: `${at}/third-party-licenses.gz`, text: zipped(await thirdPartyLicenses(repository)) },
    ...guides.map((file) => ({ path: `${at}/docs/${file}`, from: join(repository, 'docs', file) })),
    ...(await examples(repository, `${at}/examples`)),
    { path: 'usr/share/lintian/overrides/edgeward', from: own(options, 'lintian-overrides') },
  ]
}

/** Of apps; and what is for the programs around edgeward: proxies, monitoring, containers. */
async function examples(repository: string, at: string): Promise<Entry[]> {
  const packaging = join(repository, 'packaging')
  const around = (await readdir(packaging))
    .filter((name) => name !== 'debian' && name !== 'executable')
    .sort()
  const folders = [join(repository, 'examples'), ...around.map((name) => join(packaging, name))]
  const entries: Entry[] = []
  for (const folder of folders)
    for (const file of await filesBelow(folder)) {
      const below = folder === folders[0] ? '' : `${basename(folder)}/`
      entries.push({ path: `${at}/${below}${file}`, from: join(folder, file) })
    }
  return entries
}

async function control(options: ContentsOptions, files: readonly Entry[]): Promise<Entry[]> {
  const texts: Record<string, string> = {
    VERSION: options.version,
    ARCHITECTURE: options.architecture,
    MAINTAINER: maintainer,
    INSTALLED_SIZE: `${await kilobytes(files)}`,
  }
  const filled = async (name: string): Promise<string> =>
    (await readFile(own(options, name), 'utf8')).replaceAll(/@([A-Z_]+)@/g, (all, key) => texts[key] ?? all)
  const scripts = ['preinst', 'postinst', 'prerm', 'postrm']
  return [
    { path: 'DEBIAN/control', text: await filled('control.in') },
    { path: 'DEBIAN/conffiles', text: '/etc/edgeward/edgeward.toml\n' },
    ...(await Promise.all(
      scripts.map(async (name) => ({ path: `DEBIAN/${name}`, text: await filled(name), mode: 0o755 })),
    )),
  ]
}

const maintainer = `${process.env.DEBFULLNAME ?? 'edgeward maintainers'} <${process.env.DEBEMAIL ?? 'edgeward@example.org'}>`

/** As dpkg-gencontrol counts: files in whole kilobytes, everything else one each. */
async function kilobytes(files: readonly Entry[]): Promise<number> {
  const sizes = await Promise.all(
    files.map(async (entry) => {
      if ('text' in entry) return Buffer.byteLength(entry.text)
      return 'from' in entry ? (await stat(entry.from)).size : 1024
    }),
  )
  return sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0)
}

async function edgeward({ repository }: ContentsOptions, ...args: string[]): Promise<string> {
  const program = join(repository, 'bin', 'edgeward.js')
  const { stdout } = await run(process.execPath, [program, ...args], { maxBuffer: 1 << 26 })
  return stdout
}

const zipped = (text: string | Buffer): Buffer => gzipSync(text, { level: 9 })

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}
