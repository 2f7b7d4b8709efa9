import { readFileSync } from 'node:fs'

/** A new one each time the machine starts; as long as it is the same, `Clock.monotonic` goes on. */
export const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
