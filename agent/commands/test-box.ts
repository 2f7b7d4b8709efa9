import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import type { Disk } from '../../core/files.ts'
import { systemRandom } from '../../core/random.ts'
import type { CommandMessage, CommandUpdate } from '../../protocol/commands.ts'
import { type ManualClock, manualClock } from '../../test/manual-clock.ts'
import { type Abilities, type AuditedCommand, type Commands, openCommands } from './index.ts'

export const me = 'plant/one'

/** What a box does for commands in these tests; counts it. */
export interface Work {
  rotations: number
  /** What `rotate` does. */
  rotate(): Promise<unknown>
  restarts: number
}

export interface Life {
  commands: Commands
  /** What the far side has, the oldest first. */
  updates: CommandUpdate[]
  states(jobId?: string): string[]
  end(): void
}

/** A box over several lives of its process, on one disk and one clock. */
export async function startBox({ allowed = ['restart', 'log', 'configuration', 'rotate'] } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'commands-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))
  const clock: ManualClock = manualClock()
  const work: Work = { rotations: 0, rotate: async () => ({}), restarts: 0 }
  const audited: AuditedCommand[] = []
  const log: string[] = []
  let agent = me
  const abilities: Abilities = {
    restart: () => void work.restarts++,
    recentLog: () => log,
    settings: { proxy: { url: 'http://proxy:3128' } },
    fetchConfiguration: async () => {},
    configuration: () => ({ status: {}, dataSources: { hub: 'all' } }),
    rotate() {
      work.rotations++
      return work.rotate()
    },
  }

  async function live({
    disk,
    send = async () => true,
    connected = true,
  }: {
    disk?: Disk
    send?: (update: CommandUpdate) => Promise<boolean>
    connected?: boolean
  } = {}): Promise<Life> {
    const over = new AbortController()
    onTestFinished(() => over.abort())
    const commands = await openCommands(
      {
        ...{ abilities, agent: () => agent, note() {}, audit: (each) => void audited.push(each) },
        ...{ clock, random: systemRandom, log: pino({ level: 'silent' }), disk },
      },
      { dir, allowed },
    )
    const updates: CommandUpdate[] = []
    commands.run(over.signal).catch(() => {})
    const line = {
      agent: me,
      async send(update: CommandUpdate) {
        const taken = await send(update)
        if (taken) updates.push(update)
        return taken
      },
    }
    if (connected) commands.tell(line, over.signal).catch(() => {})
    const statesOf = (jobId = 'a') =>
      updates.filter(({ data }) => data.jobId === jobId).map(({ data }) => data.response.state ?? '')
    return { commands, updates, states: statesOf, end: () => over.abort() }
  }
  return {
    ...{ dir, clock, work, audited, log, live },
    become: (other: string) => {
      agent = other
    },
  }
}

export function message(
  kind: string,
  given: { id?: string; params?: object; ms?: number } = {},
): CommandMessage {
  const { id = 'a', params = {}, ms = 60_000 } = given
  const payload = { kind, params, expiresInMs: ms, askedBy: 'ann' }
  return { id: `m-${id}`, data: { jobId: id, createdAt: '2026-01-01T00:00:00Z', payload } }
}

/** Lets what waits for the disk go on, while no time passes on the clock of the test. */
export async function settled(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    if (holds()) return
    await systemClock.sleep(1)
  }
  throw new Error('waited in vain')
}
