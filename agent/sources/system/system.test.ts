import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { statusCode } from '../../../protocol/reading.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { planSources } from '../configuration.ts'
import { every } from '../schedule.ts'
import type { ConfiguredPoint, Sample } from '../source.ts'
import { testContext } from '../test-context.ts'
import { parseCpus, parseStat } from './cpu.ts'
import { mountPoints, parseDiskStats } from './disk.ts'
import { systemOf } from './index.ts'
import { surveyMetrics } from './survey.ts'

/** A kernel's view in files. */
async function machine(files: Record<string, string>) {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-system-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), text)
  }
  for (const [name, text] of Object.entries(files)) await write(name, text)
  return { roots: { proc: join(dir, 'proc'), sys: join(dir, 'sys') }, write }
}

type Asked = [type: ConfiguredPoint['type'], custom: object]

/** Runs a source over the points `p0`, `p1`, … until the test ends. */
function poll(roots: { proc: string; sys: string }, ...asked: Asked[]) {
  const clock = manualClock(5_000)
  const polls: Sample[][] = []
  const emit = async (samples: readonly Sample[]) => void polls.push([...samples])
  const source = systemOf(roots).create(
    {
      custom: { interval: '1s' },
      points: asked.map(([type, custom], index) => ({ id: `p${index}`, type, custom })),
    },
    testContext({ clock, storeOrLose: emit }).context,
  )
  const stop = new AbortController()
  const ended = source.run(stop.signal).catch(() => {})
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return {
    async turn(number: number) {
      await vi.waitFor(() => expect(polls.length).toBe(number), { interval: 5 })
      return polls[number - 1] ?? []
    },
    advance: (ms: number) => clock.advance(ms),
  }
}

const values = (samples: Sample[]) => Object.fromEntries(samples.map(({ point, value }) => [point, value]))

test('figures come from the files of the kernel', async () => {
  const { roots } = await machine({
    'proc/loadavg': '0.25 0.50 1.75 1/90 7094\n',
    'proc/uptime': '1732.97 3259.44\n',
    'proc/meminfo': 'MemTotal: 4000 kB\nMemAvailable: 1000 kB\nSwapTotal: 500 kB\nSwapFree: 100 kB\n',
    'proc/net/dev':
      'Inter-| Receive | Transmit\n face |bytes\n  eth0: 430 1 2 0 0 0 0 0 9007199254740993 4 5 0 0 0 0 0\n',
    'sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
    'sys/class/thermal/thermal_zone0/temp': '48250\n',
  })
  const { turn } = poll(
    roots,
    ['DOUBLE', { metric: 'load.15' }],
    ['DOUBLE', { metric: 'uptime' }],
    ['LONG', { metric: 'memory.used' }],
    ['LONG', { metric: 'swap.used' }],
    ['INT', { metric: 'network.rx_errors', interface: 'eth0' }],
    ['LONG', { metric: 'network.tx_bytes', interface: 'eth0' }],
    ['DOUBLE', { metric: 'temperature' }],
    ['DOUBLE', { metric: 'temperature', zone: 'cpu-thermal' }],
  )
  const samples = await turn(1)
  expect(values(samples)).toEqual({
    p0: 1.75,
    p1: 1732.97,
    p2: 3000 * 1024,
    p3: 400 * 1024,
    p4: 2,
    p5: 9007199254740993n,
    p6: 48.25,
    p7: 48.25,
  })
  expect(samples.every(({ time, quality }) => time === 5_000 && quality === statusCode.good)).toBe(true)
})

test('processor usage is what happened between two polls, so the first poll has none', async () => {
  const { roots, write } = await machine({ 'proc/stat': 'cpu  100 0 100 800 0 0 0 0 0 0\n' })
  const { turn, advance } = poll(roots, ['DOUBLE', { metric: 'cpu.usage' }])
  expect(await turn(1)).toEqual([])
  await write('proc/stat', 'cpu  130 0 100 860 10 0 0 0 0 0\n')
  await advance(1_000)
  expect(values(await turn(2))).toEqual({ p0: 30 })
})

test('what this machine does not have is a Bad reading and costs the others nothing', async () => {
  const { roots } = await machine({
    'proc/net/dev': ' lo: 1 0 0 0 0 0 0 0 1 0 0\n',
    'proc/meminfo': 'MemTotal: 1 kB\n',
  })
  const { turn } = poll(
    roots,
    ['DOUBLE', { metric: 'temperature' }],
    ['LONG', { metric: 'network.rx_bytes', interface: 'wlan7' }],
    ['LONG', { metric: 'memory.used' }],
    ['LONG', { metric: 'disk.free', path: '/no/such/place' }],
    ['LONG', { metric: 'memory.total' }],
  )
  expect(await turn(1)).toEqual([
    { point: 'p0', value: null, quality: statusCode.badNotSupported, reason: 'not_supported', time: 5_000 },
    { point: 'p1', value: null, quality: statusCode.badNoData, reason: 'no_such_figure', time: 5_000 },
    { point: 'p2', value: null, quality: statusCode.badNoData, reason: 'no_such_figure', time: 5_000 },
    { point: 'p3', value: null, quality: statusCode.badNotSupported, reason: 'not_supported', time: 5_000 },
    { point: 'p4', value: 1024, quality: statusCode.good, time: 5_000 },
  ])
})

test('this very machine has memory, load, a disk and a loopback interface', async () => {
  const { turn } = poll(
    { proc: '/proc', sys: '/sys' },
    ['LONG', { metric: 'memory.available' }],
    ['DOUBLE', { metric: 'load.1' }],
    ['LONG', { metric: 'disk.total' }],
    ['LONG', { metric: 'network.rx_bytes', interface: 'lo' }],
  )
  for (const { quality } of await turn(1)) expect(quality).toBe(statusCode.good)
})

test('processors apart, disks, links and sensors come from the kernel, too', async () => {
  const { roots, write } = await machine({
    'proc/stat':
      'cpu  100 0 100 800 0 0 0 0\ncpu0 50 0 50 400 0 0 0 0\ncpu1 50 0 50 400 0 0 0 0\nctxt 77\nprocs_running 3\n',
    'proc/loadavg': '0.25 0.50 1.75 1/90 7094\n',
    'proc/diskstats': ' 179       0 mmcblk0 10 1 200 4 30 2 17592186044416 5 0 1000 9 0 0 0 0\n',
    'proc/net/dev': ' eth0: 430 1 2 3 0 0 0 0 9 4 5 6 0 0 0 0\n wlan0: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n',
    'proc/pressure/io':
      'some avg10=1.25 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.75 avg60=0 avg300=0 total=1\n',
    'proc/vmstat': 'oom_kill 2\npswpin 5\npgmajfault 9\n',
    'proc/meminfo': 'MemFree: 7 kB\nActive(anon): 1 kB\nDirty: 3 kB\n',
    'proc/sys/fs/file-nr': '1500\t0\t9000\n',
    'proc/net/sockstat': 'sockets: used 5\nTCP: inuse 8 orphan 0 tw 58 alloc 8 mem 0\n',
    'sys/class/net/eth0/operstate': 'up\n',
    'sys/class/net/eth0/speed': '1000\n',
    'sys/class/net/wlan0/speed': '-1\n',
    'sys/class/hwmon/hwmon0/name': 'pwmfan\n',
    'sys/class/hwmon/hwmon0/fan1_input': '2800\n',
    'sys/devices/platform/soc/soc:firmware/get_throttled': '50005\n',
    'sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq': '1500000\n',
  })
  const { turn, advance } = poll(
    roots,
    ['DOUBLE', { metric: 'cpu.user', core: '1' }],
    ['DOUBLE', { metric: 'cpu.system' }],
    ['DOUBLE', { metric: 'disk.busy', device: 'mmcblk0' }],
    ['DOUBLE', { metric: 'cpu.frequency', core: '1' }],
    ['INT', { metric: 'processes.total' }],
    ['LONG', { metric: 'kernel.context_switches' }],
    ['INT', { metric: 'disk.reads', device: 'mmcblk0' }],
    ['LONG', { metric: 'disk.write_bytes', device: 'mmcblk0' }],
    ['INT', { metric: 'network.rx_dropped', interface: 'eth0' }],
    ['BOOLEAN', { metric: 'network.up', interface: 'eth0' }],
    ['INT', { metric: 'network.speed', interface: 'eth0' }],
    ['INT', { metric: 'network.speed', interface: 'wlan0' }],
    ['DOUBLE', { metric: 'pressure.io.full' }],
    ['INT', { metric: 'memory.oom_kills' }],
    ['LONG', { metric: 'memory.dirty' }],
    ['INT', { metric: 'files.max' }],
    ['INT', { metric: 'tcp.time_wait' }],
    ['INT', { metric: 'fan' }],
    ['INT', { metric: 'throttled' }],
    ['BOOLEAN', { metric: 'throttled.under_voltage' }],
    ['BOOLEAN', { metric: 'throttled.frequency_capped' }],
    ['BOOLEAN', { metric: 'time.proven' }],
    ['INT', { metric: 'disk.reads', device: 'sda' }],
  )
  await turn(1)
  await write(
    'proc/stat',
    'cpu  120 0 110 870 0 0 0 0\ncpu0 50 0 55 445 0 0 0 0\ncpu1 70 0 55 425 0 0 0 0\nctxt 78\n',
  )
  await write('proc/diskstats', ' 179       0 mmcblk0 12 1 200 4 30 2 17592186044416 5 0 1250 9 0 0 0 0\n')
  await advance(1_000)
  const samples = await turn(2)
  expect(samples.map(({ value, reason }) => reason ?? value)).toEqual([
    ...[40, 10, 25, 1_500, 90, 78, 12, 9_007_199_254_740_992n, 3, true, 1_000, 'no_such_figure', 0.75, 2],
    ...[3_072, 9_000, 58, 2_800, 0x50005, true, false, true, 'no_such_figure'],
  ])
})

test('what is listed for this very machine can be read, each with the types that take it', async () => {
  const found = await surveyMetrics({ ...systemClock, sleep: (ms) => systemClock.sleep(ms / 5) })
  expect(found.map(({ metric }) => metric)).toEqual(
    expect.arrayContaining([
      'load.1',
      'memory.total',
      'disk.free',
      'network.rx_bytes',
      'edgeward.memory',
      'uptime',
    ]),
  )
  for (const { metric, option, types, value } of found) {
    expect(typeof value, metric).toMatch(/number|bigint|boolean/)
    const custom = { metric, ...(option && { [option.key]: option.name }) }
    const dataPoints = types.map((type, at) => ({
      id: `${at}`,
      name: 'a',
      type: type as 'INT',
      customData: custom,
    }))
    planSources([{ name: 's', customData: { protocol: 'system' }, dataPoints }], { minIntervalMs: 1 })
  }
})

test('any text in the place of a kernel file is a reading, Good or Bad', async () => {
  await fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(cpu\d* [\d ]*\n|\w+: \d+ kB\n)*$/)), (text) => {
      for (const times of parseCpus(text).values()) expect(times.user).toBeDefined()
      parseStat(text)
      expect(mountPoints(text)).toContain('/')
      for (const io of parseDiskStats(text).values()) expect(Number(io.reads)).not.toBeUndefined()
    }),
  )
})

test('polls keep to the multiples of the interval and skip those that a slow one has missed', async () => {
  const clock = manualClock()
  const turns: number[] = []
  const stop = new AbortController()
  const ended = every(1_000, clock, stop.signal, async () => {
    turns.push(clock.monotonic())
    await clock.sleep(turns.length === 2 ? 2_300 : 400, stop.signal)
  })
  await clock.advance(6_000)
  stop.abort(new Error('done'))
  await expect(ended).rejects.toThrow('done')
  expect(turns).toEqual([0, 1_000, 4_000, 5_000, 6_000])
})
