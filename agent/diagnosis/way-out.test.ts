import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Unreachable } from '../../core/net/index.ts'
import { describeNameServers, describeNetwork, readWayOut } from './way-out.ts'

const way = { addresses: ['192.0.2.9'], hasDefaultRoute: true, nameServers: ['192.0.2.1'] }
const fault = (step: 'resolve' | 'connect', reason: string) => ({
  fault: new Unreachable('https://hub.plant.example', step, reason),
})

test.each<[what: string, kernel: string, has: boolean]>([
  [
    'one',
    'Iface\tDestination\tGateway\neth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n',
    true,
  ],
  [
    'none',
    'Iface\tDestination\tGateway\neth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n',
    false,
  ],
])('a default route is found where there is %s', async (_what, kernel, has) => {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-way-'))
  await mkdir(join(dir, 'net'))
  await writeFile(join(dir, 'net/route'), kernel)
  const loopbackOnly = `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} ffffffff 1 0 200200 lo\n`
  await writeFile(join(dir, 'net/ipv6_route'), loopbackOnly)
  await writeFile(
    join(dir, 'resolv.conf'),
    '# plant\nnameserver 192.0.2.1\n nameserver fd00::1\noptions edns0\n',
  )
  expect(await readWayOut(dir, dir)).toMatchObject({
    hasDefaultRoute: has,
    nameServers: ['192.0.2.1', 'fd00::1'],
  })
  await rm(dir, { recursive: true })
})

test('a box without a network is told, and has failed only where somebody wanted out', () => {
  const cut = { ...way, addresses: [] }
  expect(describeNetwork(cut, undefined).status).toBe('warning')
  expect(describeNetwork(cut, fault('connect', 'ENETUNREACH')).status).toBe('failed')
})

test('a box without a default route is well while the hub is a neighbour', () => {
  const near = { ...way, hasDefaultRoute: false }
  expect(describeNetwork(near, {}).status).toBe('ok')
  expect(describeNetwork(near, fault('connect', 'connect ECONNREFUSED 192.0.2.5:443')).status).toBe('ok')
  expect(describeNetwork(near, fault('connect', 'connect ENETUNREACH 198.51.100.1:443'))).toMatchObject({
    status: 'failed',
    cause: expect.stringContaining('no default route'),
  })
})

test('no name server matters where a name is not known without', async () => {
  const none = { ...way, nameServers: [] }
  expect((await describeNameServers(none, undefined, undefined)).status).toBe('warning')
  expect((await describeNameServers(none, 'hub.plant.example', {})).status).toBe('ok')
  const stopped = fault('resolve', 'ENOTFOUND')
  expect((await describeNameServers(none, 'hub.plant.example', stopped)).status).toBe('failed')
})
