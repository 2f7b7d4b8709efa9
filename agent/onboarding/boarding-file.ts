import { constants, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { Invalid } from '../../core/errors.ts'

const maxBytes = 65_536

/** What else speaks against a file, and what to do then. */
export interface Demands {
  faultsOf(stats: Stats): string[]
  cure: string
}

/**
 * The text of a file that a person has put somewhere. Checks and reads the same file, whatever its name
 * means a moment later. Throws `Invalid`.
 */
export async function readBoardingFile(path: string, demands?: Demands): Promise<string> {
  const unreadable = (cause: Error): never => {
    throw new Invalid(`${path} cannot be read: ${cause.message}`, { cause })
  }
  // Opening a pipe that nobody writes would wait for ever.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags).catch(unreadable)
  try {
    refuseUnfit(await file.stat().catch(unreadable), path, demands)
    return await file.readFile('utf8').catch(unreadable)
  } finally {
    await file.close()
  }
}

function refuseUnfit(stats: Stats, path: string, demands: Demands | undefined): void {
  const faults = [
    ...(stats.isFile() ? [] : ['it is no file']),
    ...(stats.size <= maxBytes ? [] : [`it is larger than ${maxBytes} bytes`]),
    ...(demands?.faultsOf(stats) ?? []),
  ]
  if (faults.length === 0) return
  throw new Invalid(`${path} is not taken: ${faults.join('; ')}`, demands && { cure: demands.cure })
}
