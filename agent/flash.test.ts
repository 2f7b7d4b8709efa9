import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { manualClock } from '../test/manual-clock.ts'
import { createFlash } from './flash.ts'

const sector = 512
const gigabyte = 1e9
const minute = 60_000

async function temporary(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-flash-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return dir
}

/** A kernel's view of the device that holds a directory, and a watch over it that runs until the test ends. */
async function watched(layout: 'disk' | 'partition' | 'encrypted' = 'partition') {
  const dir = await temporary()
  const disk = join(dir, 'sys/devices/mmcblk0')
  const part = join(disk, 'mmcblk0p2')
  const mapped = join(dir, 'sys/devices/dm-0')
  const write = async (path: string, text: string) => {
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, text)
  }
  await write(join(disk, 'size'), `${(32 * gigabyte) / sector}\n`)
  await write(join(part, 'partition'), '2\n')
  await write(join(part, 'size'), '1\n')
  await mkdir(join(mapped, 'slaves'), { recursive: true })
  await symlink(part, join(mapped, 'slaves/mmcblk0p2'))
  await mkdir(join(dir, 'sys/dev/block'), { recursive: true })
  await symlink({ disk, partition: part, encrypted: mapped }[layout], join(dir, 'sys/dev/block/179:2'))

  const wrote = async (deviceBytes: number, processBytes: number) => {
    await write(join(disk, 'stat'), `  10 0 80 1 20 0 ${deviceBytes / sector} 4 0 5 6 0 0 0 0 0 0\n`)
    await write(join(dir, 'proc/self/io'), `write_bytes: ${processBytes + 7}\ncancelled_write_bytes: 7\n`)
  }
  await wrote(0, 0)
  const clock = manualClock()
  const flash = createFlash(
    { clock, deviceNumber: async () => (179n << 8n) | 2n },
    { path: '/', proc: join(dir, 'proc'), sys: join(dir, 'sys') },
  )
  const stop = new AbortController()
  const ended = flash.run(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  await vi.waitFor(() => expect(flash.status().deviceBytes).toBe(0), { interval: 5, timeout: 15_000 })
  /** A minute later, or as long as told, when so much has been written in all. */
  const pass = async (deviceBytes: number, processBytes: number, ms = minute) => {
    await wrote(deviceBytes, processBytes)
    await clock.advance(ms)
    await vi.waitFor(() => expect(flash.status()).toMatchObject({ deviceBytes, processBytes }), {
      interval: 5,
    })
  }
  return { flash, pass }
}

test.each(['disk', 'partition', 'encrypted'] as const)(
  'of a state on a %s it is the whole device that is looked at',
  async (layout) => {
    const { flash } = await watched(layout)
    expect(flash.status()).toMatchObject({ device: 'mmcblk0', capacityBytes: 32 * gigabyte })
  },
)

test('a figure per day, and the life that follows, come after ten minutes', async () => {
  const { flash, pass } = await watched()
  for (let k = 1; k <= 10; k++) {
    expect(flash.status()).not.toHaveProperty('years')
    await pass(k * 1_024_000, k * 512_000)
  }
  const { deviceBytesPerDay, processBytesPerDay, years } = flash.status()
  expect(deviceBytesPerDay).toBe(1_024_000 * 60 * 24)
  expect(processBytesPerDay).toBe(512_000 * 60 * 24)
  const days = (32 * gigabyte * 3_000) / 4 / (1_024_000 * 60 * 24)
  expect(years).toBeCloseTo(days / 365.25)
})

test('what was written more than a day ago counts no more', async () => {
  const { flash, pass } = await watched()
  await pass(100 * gigabyte, 0)
  await pass(100 * gigabyte, 1, 25 * 60 * minute)
  for (let k = 1; k <= 11; k++) await pass(100 * gigabyte + k * sector, 1 + k)
  expect(flash.status().deviceBytesPerDay).toBeLessThan(gigabyte)
})

test('a counter that goes back is that of another card: the figure begins anew', async () => {
  const { flash, pass } = await watched()
  await pass(gigabyte, 1)
  await pass(2 * gigabyte, 2)
  for (let k = 1; k <= 10; k++) {
    await pass(k * sector, 2 + k)
    expect(flash.status().deviceBytesPerDay).toBeUndefined()
  }
  await pass(11 * sector, 13)
  expect(flash.status().deviceBytesPerDay).toBe(60 * 24 * sector)
})

test('where no block device is shown, the reason is', async () => {
  const dir = await temporary()
  const look = async (number: bigint, reason: string) => {
    const flash = createFlash(
      { clock: manualClock(), deviceNumber: async () => number },
      { path: '/', proc: '/proc', sys: dir },
    )
    const stop = new AbortController()
    const ended = flash.run(stop.signal)
    await vi.waitFor(() => expect(flash.status().reason).toContain(reason), { interval: 5, timeout: 15_000 })
    stop.abort()
    await ended
  }
  await look(179n << 8n, 'not shown here')
  await look(0x1cn, 'no block device of its own')
})

test('this very machine tells what this process writes, and a device or why there is none', async () => {
  const flash = createFlash({ clock: manualClock() }, { path: tmpdir(), proc: '/proc', sys: '/sys' })
  const stop = new AbortController()
  const ended = flash.run(stop.signal)
  await vi.waitFor(() => expect(flash.status().processBytes).toBeGreaterThanOrEqual(0), {
    interval: 5,
    timeout: 15_000,
  })
  const { device, reason, capacityBytes = 0, deviceBytes = 0 } = flash.status()
  if (device === undefined) expect(reason).toBeTypeOf('string')
  else expect([capacityBytes > 0, deviceBytes >= 0]).toEqual([true, true])
  stop.abort()
  await ended
})
