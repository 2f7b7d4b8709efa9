import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EdgeError } from '../core/errors.ts'
import { ownCommand } from '../core/program.ts'
import { parseJson } from '../core/schema.ts'
import type { PlaceOptions } from './places.ts'

class DoctorFailed extends EdgeError {
  override readonly name = 'DoctorFailed'
  readonly code = 'doctor_failed'
}

/** It ends by itself within ten seconds; a small box that is busy takes longer. */
const limitMs = 60_000
const maxBytes = 4 * 1024 * 1024

/**
 * "edgeward doctor" as a process of its own: it looks from outside, and may give up rights that this process
 * needs.
 */
export const ownDoctor =
  ({ config, stateDir }: PlaceOptions) =>
  async (signal: AbortSignal): Promise<unknown> => {
    const { file, args } = ownCommand()
    const places = [
      ...(config === undefined ? [] : ['--config', config]),
      ...(stateDir === undefined ? [] : ['--state-dir', stateDir]),
    ]
    const limits = { signal, timeout: limitMs, maxBuffer: maxBytes }
    // It exits with 1 when something has failed on the box.
    const { stdout } = await promisify(execFile)(
      file,
      [...args, 'doctor', '--json', ...places],
      limits,
    ).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }))
    signal.throwIfAborted()
    if (stdout.trim() === '') throw new DoctorFailed('edgeward doctor has said nothing')
    return parseJson(stdout, 'edgeward doctor')
  }
