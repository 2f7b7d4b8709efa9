import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'
import { type Device, findDevice, readDeviceNumber } from '../flash.ts'

export interface CardView {
  /** A directory on the device. */
  path: string
  /** `/sys` */
  sys: string
  /** The file system's, unless told. */
  deviceNumber?(path: string): Promise<bigint>
}

/** What the device that holds the state, and the file system on it, say of themselves. */
export function cardChecks({ path, sys, deviceNumber = readDeviceNumber }: CardView): Check[] {
  const check = (id: string, title: string, look: (device: Device) => Promise<Finding>): Check => ({
    id,
    title,
    needs: ['state'],
    async run() {
      const device = await findDevice(() => deviceNumber(path), sys)
      return 'reason' in device ? skipped(device.reason) : look(device)
    },
  })
  return [
    check('state.filesystem', 'errors of the file system', ({ volume }) => describeErrors(volume, sys)),
    check('flash.health', 'age of the flash', describeHealth),
  ]
}

async function describeErrors(volume: string, sys: string): Promise<Finding> {
  const count = Number((await readIfThere(join(sys, 'fs/ext4', volume, 'errors_count'))) ?? Number.NaN)
  if (Number.isNaN(count)) return skipped(`the file system on ${volume} does not count them; ext4 does`)
  const facts = { volume, errors: count }
  if (count === 0) return ok(`none on ${volume}`, facts)
  return warning(
    `the file system on ${volume} has met ${count} errors since it was last checked`,
    'See "dmesg" for what happened, save what is needed, and have the file system checked at the next start ("fsck.mode=force" to the kernel). Replace a card that goes on failing.',
    facts,
  )
}

/** The last step of ten of the wear that JEDEC's eMMC counts; the step after it means used up. */
const lastTenth = 0x0a
const reserveStates: Readonly<Record<number, string>> = {
  2: '80 % of its spare blocks are used',
  3: '90 % of its spare blocks are used',
}

/** eMMC (5.0 on) tells how far it is used up; SD cards do not. */
async function describeHealth({ name, directory }: Device): Promise<Finding> {
  const [life, reserve] = await Promise.all(
    ['life_time', 'pre_eol_info'].map((file) => readIfThere(join(directory, 'device', file))),
  )
  // "0x02 0x01": by kind of cell. 0 is "not told".
  const steps = (life ?? '')
    .trim()
    .split(/\s+/)
    .map(Number)
    .filter((step) => step > 0)
  const spare = Number((reserve ?? '').trim() || 0)
  if (steps.length === 0 && spare === 0) return skipped(`${name} does not tell it, as eMMC does`)
  const used = Math.max(0, ...steps)
  const share =
    used > lastTenth ? 'more than it was made for' : `at most ${used * 10} % of what it was made for`
  const facts = { device: name, lifeTime: steps, preEol: spare }
  const told = [
    ...(used > 0 ? [`${name} has been written ${share}`] : []),
    ...(reserveStates[spare] ? [`${reserveStates[spare]}`] : []),
  ]
  const cause = told.join('; ') || `${name} has spare blocks enough`
  const cure = `Stop the daemon, save the state directory, and replace ${name}: it fails without further warning.`
  if (used > lastTenth || spare === 3) return failed(cause, cure, facts)
  return used >= lastTenth - 1 || spare === 2 ? warning(cause, cure, facts) : ok(cause, facts)
}

const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(() => undefined)
