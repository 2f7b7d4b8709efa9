import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith } from '../peers.ts'
import { type Box, openBox, verifyPath } from './boxed.ts'

describeWith(['nginx', 'caddy'], 'X9: no path and no user agent of a health check opens anything', () => {
  let box: Box
  beforeAll(async () => {
    box = await openBox()
  })
  afterAll(() => box[Symbol.asyncDispose]())

  const agents = [
    'GoogleHC/1.0',
    'kube-probe/1.29',
    'ELB-HealthChecker/2.0',
    'Consul Health Check',
    'Prometheus/3.0',
    '',
  ]
  const paths = [
    'healthz',
    'health',
    'ping',
    'ready',
    'metrics',
    'robots.txt',
    'favicon.ico',
    '.well-known/x',
  ]

  test('of the guard', async () => {
    for (const agent of agents)
      for (const path of paths) {
        const headers = {
          'user-agent': agent,
          'x-original-uri': `/press/${path}`,
          'x-original-method': 'GET',
        }
        expect((await box.askAsProxy(verifyPath, { headers })).status, `${agent} ${path}`).toBe(401)
      }
  })

  test('of the proxies', async () => {
    for (const { browser } of box.proxies)
      for (const agent of agents)
        for (const path of ['', ...paths.slice(0, 3)]) {
          const answer = await browser().get(`/press/${path}`, { 'user-agent': agent })
          expect([answer.status, answer.text.includes('"app"')], `${agent} ${path}`).toEqual([302, false])
        }
    expect(box.echo.seen).toEqual([])
  })

  test('the health of the box itself is told on the admin listener alone', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect((await box.ask(path)).status).toBe(404)
      expect((await box.askAdmin(path)).status).toBe(200)
    }
  })
})
