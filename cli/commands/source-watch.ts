import type { Command } from 'commander'
import type { ShownSample, Watched } from '../../agent/index.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { aborted } from '../../core/tasks.ts'
import { type CommonOptions, type Context, createContext } from '../context.ts'
import { columns, print } from '../output.ts'
import { stopSignal } from '../serve.ts'
import { adviceFor, ageOf } from '../values.ts'

export function watchCommand(source: Command): void {
  source
    .command('watch [name]')
    .description(
      'what is read at this moment, with quality and age; with --json a line for each reading. Ctrl-C ends',
    )
    .action(async (name: string | undefined, _options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      await watch(context, name, systemClock, stopSignal())
    })
}

const drawMs = 250

async function watch({ json, operate }: Context, name: string | undefined, clock: Clock, stop: AbortSignal) {
  const newest = new Map<string, ShownSample>()
  const asked = name === undefined ? {} : { name }
  let { cursor, readings, missed } = await operate<Watched>('agent.sourceWatch', asked)
  let drawnAt = Number.NEGATIVE_INFINITY
  const over = aborted(stop)
  for (;;) {
    for (const reading of readings) {
      newest.set(`${reading.source}\0${reading.point}`, reading)
      if (json) print(true, reading, '')
    }
    if (missed > 0) process.stderr.write(`edgeward: ${missed} readings came too fast to be shown\n`)
    if (!json && clock.monotonic() - drawnAt >= drawMs) {
      draw([...newest.values()], clock.now())
      drawnAt = clock.monotonic()
    }
    if (stop.aborted) return
    const answer = operate<Watched>('agent.sourceWatch', { ...asked, cursor, waitMs: drawMs })
    const next = await Promise.race([answer, over])
    if (!next)
      return void answer.catch(() => {}) // nobody looks any more
    ;({ cursor, readings, missed } = next)
  }
}

/** In a terminal over what was there before. */
function draw(readings: readonly ShownSample[], now: number): void {
  const rows = readings
    .toSorted((a, b) => a.source.localeCompare(b.source))
    .map(({ source, point, value, unit = '', quality, reason = '', time }) => [
      ...[source, point, typeof value === 'string' ? JSON.stringify(value) : value],
      ...[unit, quality, reason, ageOf(time, now)],
    ])
  const headings = ['SOURCE', 'POINT', 'VALUE', 'UNIT', 'QUALITY', 'REASON', 'AGE']
  const text = [
    columns(headings, rows, 'nothing has been read yet'),
    ...adviceFor(readings.map(({ reason }) => reason)),
  ].join('\n')
  const isTerminal = process.stdout.isTTY === true
  process.stdout.write(isTerminal ? `\x1b[H\x1b[2J${text}\n` : `${text}\n\n`)
}
