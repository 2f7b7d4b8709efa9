import type { Gauge } from './gauge.ts'
import type { HttpServer } from './http-server.ts'

/** Counts the answers of a listener by kind of route and of status. */
export interface HttpTally {
  /** Counts one answer; for who answers past the routes. Costs an addition. */
  counterOf(route: string): (status: number) => void
  /** Counts all that the routes of the server answer; `routeOf` names the kind of a route's URL. */
  watch(server: HttpServer, routeOf: (url: string) => string | undefined): void
  gauges(): Gauge[]
}

const unknown = 'other'
const classes = ['2xx', '3xx', '4xx', '5xx'] as const

/** `routes`: all kinds there are; what is none of them is `other`. */
export function createHttpTally(listener: string, routes: readonly string[]): HttpTally {
  const counts = new Map([...routes, unknown].map((route) => [route, classes.map(() => 0)]))
  const count = (of: number[], status: number): void => {
    const kind = Math.min(Math.max(Math.floor(status / 100) - 2, 0), classes.length - 1)
    of[kind] = (of[kind] ?? 0) + 1
  }
  const countsOf = (route: string): number[] => (counts.get(route) ?? counts.get(unknown)) as number[]
  return {
    counterOf(route) {
      const own = countsOf(route)
      return (status) => count(own, status)
    },
    watch(server, routeOf) {
      server.addHook('onResponse', async ({ routeOptions }, { statusCode }) => {
        count(countsOf(routeOf(routeOptions.url ?? '') ?? unknown), statusCode)
      })
    },
    gauges: () => [
      {
        name: 'edgeward_http_requests_total',
        help: 'Answers, by listener, kind of route and kind of status.',
        kind: 'counter',
        samples: [...counts].flatMap(([route, of]) =>
          classes.map((status, k) => ({ labels: { listener, route, status }, value: of[k] ?? 0 })),
        ),
      },
    ],
  }
}
