import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pino from 'pino'
import { systemClock } from '../../../core/clock.ts'
import { run } from '../../../core/control.ts'
import { openNetwork } from '../../../core/net/index.ts'
import { systemRandom } from '../../../core/random.ts'
import type { DataSource } from '../../../protocol/data-source-configuration.ts'
import type { Reading } from '../../../protocol/reading.ts'
import { eventually } from '../../../test/harness.ts'
import { createSources, type SourceStatus } from '../index.ts'

/** Data sources over what keeps every reading, with the real process behind them. */
export interface Field extends AsyncDisposable {
  readonly kept: Reading[]
  apply(...dataSources: DataSource[]): void
  status(name?: string): SourceStatus
  of(point: string): Reading[]
  values(point: string): Reading['value'][]
  operate<T>(operation: string, params?: object): Promise<T>
  credential(name: string, secret: string): Promise<void>
  /** Nothing is kept until what it returns is called. */
  hold(): () => void
}

export async function openField(dir: string): Promise<Field> {
  const kept: Reading[] = []
  let gate = Promise.withResolvers<void>()
  gate.resolve()
  const credentialsDir = join(dir, 'credentials')
  await mkdir(credentialsDir, { recursive: true })
  const sources = createSources(
    {
      outbox: {
        async append({ readings }) {
          await gate.promise
          kept.push(...readings)
        },
        lose() {},
      },
      stamp: () => ({ time: systemClock.now() }),
      network: openNetwork(),
      clock: systemClock,
      // The shortest back-off.
      random: { ...systemRandom, fraction: () => 0 },
      log: pino({ level: 'silent' }),
      alarms: { raise() {}, clear() {} },
      places: { credentialsDir, memoryDir: join(dir, 'memory'), pkiDir: join(dir, 'pki') },
    },
    { minIntervalMs: 50 },
  )
  const stop = new AbortController()
  const ended = sources.run(stop.signal)
  const of = (point: string) => kept.filter((reading) => reading.point === point)
  return {
    ...{ kept, of },
    apply: (...dataSources) => sources.apply(dataSources),
    status: (name = 'press') => sources.status().find((each) => each.name === name) as SourceStatus,
    values: (point) => of(point).map(({ value }) => value),
    operate: async <T>(operation: string, params: object = {}) =>
      (await run(sources.operations, operation, params)) as T,
    hold() {
      gate = Promise.withResolvers()
      return gate.resolve
    },
    credential: (name, secret) => writeFile(join(credentialsDir, name), secret),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
    },
  }
}

export const until = (what: string, holds: () => boolean): Promise<void> =>
  eventually(what, async () => holds())
