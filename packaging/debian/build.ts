import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { architectures, buildPackage, isArch, repository } from './package.ts'

/**
 * Makes edgeward_<version>_<amd64|arm64>.deb of the single executable, which is built before:
 *
 *   node packaging/executable/build.ts [--arch x64|arm64]
 *   node packaging/debian/build.ts [--arch x64|arm64] [--version X] [--out DIR] [--executable FILE] [--quick]
 *
 * The same inputs make the same bytes. SOURCE_DATE_EPOCH is the time of the files, else that of the last
 * commit. DEBFULLNAME and DEBEMAIL name the maintainer. --quick compresses little, for tests.
 */
const { values } = parseArgs({
  options: {
    arch: { type: 'string' },
    version: { type: 'string' },
    out: { type: 'string' },
    executable: { type: 'string' },
    quick: { type: 'boolean' },
  },
})
const arch = values.arch ?? process.arch
if (!isArch(arch)) throw new Error(`--arch ${arch}: ${Object.keys(architectures).join(' or ')}`)
const out = values.out ?? join(repository, 'dist')
await mkdir(out, { recursive: true })
const built = await buildPackage({
  arch,
  out,
  executable: values.executable ?? join(repository, 'dist', `linux-${arch}`, 'edgeward'),
  quick: values.quick ?? false,
  ...(values.version === undefined ? {} : { version: values.version }),
})
process.stdout.write(`${JSON.stringify(built)}\n`)
