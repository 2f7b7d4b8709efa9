import { type Check, ok, warning } from '../../core/diagnosis.ts'
import { ntpSynchronised } from '../time/index.ts'

export const timeServiceCheck: Check = {
  id: 'clock.source',
  title: 'time server',
  async run() {
    if (await ntpSynchronised()) return ok('one keeps the clock of this box')
    return warning(
      'none is known to keep the clock of this box; until the hub is reached, its time is not to be trusted',
      'Run "timedatectl set-ntp true", and name a server that the plant network lets through in /etc/systemd/timesyncd.conf.',
    )
  },
}
