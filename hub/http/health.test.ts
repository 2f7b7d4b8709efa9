import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createHttpServer } from '../../core/http-server.ts'
import { createHttpTally } from '../../core/http-tally.ts'
import { type HealthDeps, healthRoutes, hubRoutes, routeOf } from './health.ts'

test('faults of the process make the hub unhealthy, in words, and not unready', async () => {
  const faults = ['the store of readings has not answered for 31 s']
  const server = createHttpServer({ log: pino({ level: 'silent' }) })
  const requests = createHttpTally('hub', hubRoutes)
  requests.watch(server, routeOf)
  healthRoutes(server, { box: { gauges: () => [], faults: () => faults }, requests } as unknown as HealthDeps)
  const ask = async (url: string) => {
    const { statusCode, body } = await server.inject({ url })
    return [statusCode, JSON.parse(body)]
  }
  expect(await ask('/healthz')).toEqual([503, { status: 'failing', faults: [...faults] }])
  expect(await ask('/readyz')).toEqual([200, { status: 'ready' }])
  faults.pop()
  expect(await ask('/healthz')).toEqual([200, { status: 'ok', faults: [] }])
  const [{ samples } = { samples: [] }] = requests.gauges()
  const probes = samples.filter(({ labels }) => labels?.route === 'probe').map(({ value }) => value)
  expect(probes).toEqual([2, 0, 0, 1])
})
