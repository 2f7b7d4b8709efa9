import { dirname, resolve } from 'node:path'
import { Invalid } from '../../core/errors.ts'
import type { DataSource } from '../../protocol/data-source-configuration.ts'
import { checkDefinitions, DefinitionsInvalid } from '../sources/index.ts'
import { type LocalFiles, readLocalFiles } from './local-files.ts'

/** What is wrong with the local files of a folder, before a daemon looks at them. Throws `Invalid` with every fault. */
export async function checkLocalSources(
  dir: string,
  limits: { minIntervalMs: number },
): Promise<{ files: number; dataSources: number }> {
  const files = await readLocalFiles(dir)
  refuseFaulty(files, limits)
  return { files: files.paths.length, dataSources: files.dataSources.length }
}

/** The data sources of one file, TOML or JSON, checked as a local one. Throws `Invalid` with every fault. */
export async function readSourceFile(
  path: string,
  limits: { minIntervalMs: number },
): Promise<readonly DataSource[]> {
  const full = resolve(path)
  const files = await readLocalFiles(dirname(full), [full])
  refuseFaulty(files, limits)
  return files.dataSources
}

function refuseFaulty(files: LocalFiles, limits: { minIntervalMs: number }): void {
  const faults = [...files.faults, ...faultsOf(files, limits)]
  if (faults.length === 0) return
  throw new Invalid(faults.join('\n'), {
    details: faults,
    cure: '"edgeward config example --sources" shows how a file looks, "edgeward config schema --sources" all keys.',
  })
}

function faultsOf({ dataSources, placed }: LocalFiles, limits: { minIntervalMs: number }): string[] {
  try {
    checkDefinitions({ hub: [], local: dataSources }, limits)
    return []
  } catch (error) {
    if (!(error instanceof DefinitionsInvalid)) throw error
    return error.faults.local.map(placed)
  }
}
