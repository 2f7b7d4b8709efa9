import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { promisify } from 'node:util'

/**
 * Whether the kernel says that NTP keeps its clock, whoever the NTP client is. Node cannot ask the
 * kernel, so systemd is asked; where it is not reachable, the mark of its NTP client counts.
 */
export async function ntpSynchronised(): Promise<boolean> {
  try {
    const asked = ['show', '--property=NTPSynchronized', '--value']
    const { stdout } = await promisify(execFile)('timedatectl', asked, { timeout: 5_000 })
    return stdout.trim() === 'yes'
  } catch {
    return access('/run/systemd/timesync/synchronized').then(
      () => true,
      () => false,
    )
  }
}
