import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { Conflict, Forbidden, NotFound } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import { DataSource } from '../../protocol/data-source-configuration.ts'
import { type Limits, planAll } from './definitions.ts'
import type { Live } from './live.ts'
import { type OneRead, readOnce } from './one-read.ts'
import type { RunningSource, SourcesDeps } from './running.ts'
import type { Sharing } from './shared.ts'
import { type ShownSample, shownSample } from './shown.ts'

export interface SourceOperationsDeps extends SourcesDeps, Sharing {
  live: Live
  applied(): readonly RunningSource[]
  isRunning(): boolean
}

export interface Watched {
  cursor: number
  readings: ShownSample[]
  /** Readings that came too fast to be shown. */
  missed: number
}

const params = {
  test: parser(
    Type.Union([
      Type.Object({ name: Type.String() }, { additionalProperties: false }),
      Type.Object({ dataSources: Type.Array(DataSource) }, { additionalProperties: false }),
    ]),
  ),
  watch: parser(
    Type.Object(
      {
        name: Type.Optional(Type.String()),
        /** Of the answer before; without it the newest reading of each point comes at once. */
        cursor: Type.Optional(Type.Integer({ minimum: 0 })),
        waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
      },
      { additionalProperties: false },
    ),
  ),
}

/** What a technician asks of the sources; `agent.sourceWatch` is asked again and again. */
export function sourceOperations(deps: SourceOperationsDeps, limits: Limits): Operations {
  const { applied, isRunning, live } = deps
  const named = (name: string): RunningSource => {
    const found = applied().find(({ definition }) => definition.name === name)
    if (found) return found
    const names = applied().map(({ definition }) => definition.name)
    throw new NotFound(
      `there is no data source "${name}"; ${names.length === 0 ? 'there is none at all' : `there are ${names.join(', ')}`}`,
    )
  }

  return {
    'agent.sources': async () =>
      applied().map((source) => ({ ...source.status(), origin: source.plan.origin ?? 'hub' })),

    async 'agent.sourceTest'(given, caller): Promise<OneRead[]> {
      const asked = params.test(given, 'agent.sourceTest')
      // A file of the box may say which command is run: for who holds the box alone.
      if ('dataSources' in asked && caller.user !== undefined)
        throw new Forbidden('only who holds the box may test data sources of a file')
      const plans =
        'name' in asked ? [named(asked.name).plan] : planAll({ hub: [], local: asked.dataSources }, limits)
      const results: OneRead[] = []
      // One after the other: they may share a bus that takes one reader.
      for (const plan of plans) results.push(await readOnce(plan, deps))
      return results
    },

    async 'agent.sourceWatch'(given): Promise<Watched> {
      const { name, cursor, waitMs = 5_000 } = params.watch(given, 'agent.sourceWatch')
      if (!isRunning()) throw new Conflict('the daemon does not run, so nothing is read')
      const watched = name === undefined ? applied() : [named(name)]
      if (cursor === undefined)
        return { cursor: live.cursor(), readings: watched.flatMap(newestOf), missed: 0 }
      const { samples, ...rest } = await live.after(cursor, waitMs)
      const byName = new Map(watched.map((source) => [source.definition.name, source]))
      const readings = samples.flatMap(({ source, sample }) => {
        const of = byName.get(source)
        const point = of?.newest.points.find(({ id }) => id === sample.point)
        return of && point ? [shownSample(source, point, of.newest.inUnit(sample))] : []
      })
      return { ...rest, readings }
    },
  }
}

const newestOf = ({ definition, newest }: RunningSource): ShownSample[] =>
  newest.points.flatMap((point) => {
    const sample = newest.of(point.id)
    return sample ? [shownSample(definition.name, point, sample)] : []
  })
