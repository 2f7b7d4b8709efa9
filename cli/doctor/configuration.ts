import { existsSync } from 'node:fs'
import { type Config, type ConfigSources, loadConfig, networkConfig } from '../../config.ts'
import { type Check, failed, ok } from '../../core/diagnosis.ts'
import { EdgeError } from '../../core/errors.ts'
import { type Network, openNetwork } from '../../core/net/index.ts'

/** What the configuration says, or the defaults where it is at fault, so that the rest can be looked at. */
export interface Configured {
  config: Config
  network: Network
  check: Check
  /** False: these are the defaults in its place. */
  isValid: boolean
}

export function readConfiguration(sources: ConfigSources): Configured {
  const faults: EdgeError[] = []
  const orElse = <T>(read: () => T, otherwise: () => T): T => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error
      faults.push(error)
      return otherwise()
    }
  }
  const config = orElse(
    () => loadConfig(sources),
    () => loadConfig({ env: {} }),
  )
  const network = orElse(
    () => openNetwork({ trustedNow: () => undefined }, networkConfig(config)),
    () => openNetwork(),
  )
  const check: Check = {
    id: 'configuration',
    title: 'configuration',
    async run() {
      const [fault] = faults
      if (fault)
        return failed(
          faults.map(({ message }) => message).join('\n'),
          fault.cure ?? 'Correct the setting that is named.',
        )
      const { path } = sources.file ?? {}
      return ok(
        path !== undefined && existsSync(path)
          ? `${path} and the environment are valid`
          : 'there is no file; the environment is valid',
      )
    },
  }
  return { config, network, check, isValid: faults.length === 0 }
}
