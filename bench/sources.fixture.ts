import library from 'modbus-serial'
import pino from 'pino'
import si from 'systeminformation'
import { createSources } from '../agent/test-sources.ts'
import { systemClock } from '../core/clock.ts'
import { openNetwork } from '../core/net/index.ts'
import { systemRandom } from '../core/random.ts'
import type { DataSource } from '../protocol/data-source-configuration.ts'

/** One way to acquire readings, as a process of its own: told by its argument, asked for its count by messages. */
export type Job =
  | { by: 'edgeward'; dataSource: DataSource; dir: string }
  | { by: 'modbus-serial'; port: number; points: number; intervalMs: number }
  | { by: 'systeminformation'; interface: string; intervalMs: number }

const job = JSON.parse(process.argv[2] ?? '') as Job
let readings = 0

/** Our sources; what they read is counted instead of kept. */
function edgeward({ dataSource, dir }: Extract<Job, { by: 'edgeward' }>): void {
  const sources = createSources(
    {
      outbox: {
        async append(given) {
          readings += given.readings.length
        },
        lose() {},
      },
      stamp: () => ({ time: systemClock.now() }),
      network: openNetwork(),
      ...{ clock: systemClock, random: systemRandom, log: pino({ level: 'silent' }) },
      alarms: { raise() {}, clear() {} },
      places: { credentialsDir: `${dir}/credentials`, memoryDir: `${dir}/memory`, pkiDir: `${dir}/pki` },
    },
    { minIntervalMs: 50 },
  )
  sources.apply([dataSource])
  void sources.run(new AbortController().signal)
}

/** A request for each register, as programs do that know nothing of blocks. */
async function modbusSerial({ port, points, intervalMs }: Extract<Job, { by: 'modbus-serial' }>) {
  const client = new library.default()
  await client.connectTCP('127.0.0.1', { port })
  client.setID(1)
  await regularly(intervalMs, async () => {
    for (let address = 0; address < points; address++) {
      await client.readHoldingRegisters(address, 1)
      readings++
    }
  })
}

/** The figures of `systemFigures`, in as few calls as it has for them. */
async function systeminformation(given: Extract<Job, { by: 'systeminformation' }>) {
  await regularly(given.intervalMs, async () => {
    const [load, memory, disk, network] = await Promise.all([
      si.currentLoad(),
      si.mem(),
      si.fsSize('/'),
      si.networkStats(given.interface),
    ])
    const figures = [
      ...[load.avgLoad, load.currentLoad, memory.total, memory.total - memory.available, memory.available],
      ...[memory.swapused, disk[0]?.size, disk[0]?.used, network[0]?.rx_bytes, network[0]?.tx_bytes],
      si.time().uptime,
    ]
    readings += figures.filter((figure) => typeof figure === 'number').length
  })
}

async function regularly(intervalMs: number, task: () => Promise<void>): Promise<never> {
  for (let due = systemClock.monotonic(); ; due += intervalMs) {
    const leftMs = due - systemClock.monotonic()
    if (leftMs > 0) await systemClock.sleep(leftMs)
    else due -= leftMs
    await task()
  }
}

process.on('message', () => process.send?.(readings))
process.on('disconnect', () => process.exit())
if (job.by === 'edgeward') edgeward(job)
else if (job.by === 'modbus-serial') await modbusSerial(job)
else await systeminformation(job)
