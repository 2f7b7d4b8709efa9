import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLog } from '../../core/log.ts'
import { listMigrations } from '../../core/migrations.ts'
import { listOwnFolder, readOwnFile } from '../../core/program.ts'
import { systemRandom } from '../../core/random.ts'
import { release } from '../../core/release.ts'
import { openAsItIs } from '../../core/sqlite.ts'
import { hubState } from '../../hub-main.ts'
import { gatewayState } from '../../stores.ts'
import {
  createAgent,
  eventually,
  type Gateway,
  type Hub,
  joinPlant,
  readings,
  startGateway,
  startHub,
  tempDir,
} from '../harness.ts'
import { dump } from './dump.ts'
import { looks } from './looks.ts'

/**
 * Writes what the databases of this release look like, with data in them, to `test/schemas/<release>`, and
 * what its migrations are. To be run once, at the release: `node test/schemas/make.ts`.
 */
const folder = fileURLToPath(new URL(`./${release}/`, import.meta.url))
const root = new URL('../../', import.meta.url)

async function fillBox(gateway: Gateway, hub: Hub): Promise<void> {
  const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
  const app = await joinPlant(gateway, hub, agent)
  const password = 'battery staple 9'
  await gateway.operate('user.add', { name: 'ann', roles: ['Admin'], password })
  await gateway.operate('user.add', { name: 'bob', roles: ['Viewer'], password, alias: 'robert' })
  await gateway.operate('option.set', { category: 'line', key: 'speed', value: '3' })
  const { auth } = gateway.addresses
  const send = (path: string, headers: Record<string, string>, body: string) =>
    fetch(`${auth}${path}`, { method: 'POST', headers, body })
  const json = { 'content-type': 'application/json' }
  await send('/device/edge/api/v1/login/direct', json, JSON.stringify({ username: 'ann', password }))
  await send('/device/edge/api/v1/login/direct', json, JSON.stringify({ username: 'bob', password: 'wrong' }))
  const basic = `Basic ${Buffer.from(`${app.id}:${app.secret}`).toString('base64')}`
  const sample = JSON.stringify({ topic: 'apps/press/m', payload: { n: 1, x: 2.5 } })
  await send('/api/v1/readings', { ...json, authorization: basic }, sample)
  await fetch(`${auth}/api/rest/v1/token/recipes/steel`, {
    method: 'PUT',
    headers: { ...json, authorization: basic },
    body: '{"value":"hot"}',
  })
  await eventually('a reading at the hub', async () => (await readings(hub, agent.id)).length > 0)
  await hub.stop()
  await send('/api/v1/readings', { ...json, authorization: basic }, sample) // waits in the outbox
}

async function writeDump(state: string, name: string): Promise<void> {
  const db = openAsItIs(join(state, name))
  await writeFile(join(folder, name.replace(/\.db$/, '.sql')), dump(db))
  db.close()
}

async function writeMigrations(): Promise<void> {
  const kinds = [gatewayState({ log: createLog('silent'), random: systemRandom }), hubState]
  const files = kinds
    .flatMap(({ databases }) => databases)
    .flatMap(({ migrations }) => listMigrations(migrations).map(({ name }) => new URL(name, migrations)))
  const hashes = files.map((url) => [
    url.href.slice(root.href.length),
    createHash('sha256').update(readOwnFile(url)).digest('hex'),
  ])
  await writeFile(join(folder, 'migrations.json'), `${JSON.stringify(Object.fromEntries(hashes), null, 2)}\n`)
}

await using dir = await tempDir()
const [box, cloud] = ['box', 'hub'].map((name) => join(dir.path, name)) as [string, string]
{
  await using hub = await startHub(cloud)
  await hub.operate('init', { tenant: 'plant' })
  await using gateway = await startGateway(box)
  await fillBox(gateway, hub)
}
await mkdir(folder, { recursive: true })
for (const name of ['auth.db', 'kv.db', 'outbox.db']) await writeDump(box, name)
for (const { name } of hubState.databases) await writeDump(cloud, name)
await writeMigrations()
const expected: Record<string, unknown> = {}
{
  await using hub = await startHub(cloud)
  await using gateway = await startGateway(box)
  for (const [name, { of, operation, shown }] of Object.entries(looks))
    expected[name] = shown((await (of === 'box' ? gateway : hub).operate(operation)) as never)
}
await writeFile(join(folder, 'expected.json'), `${JSON.stringify(expected, null, 2)}\n`)
process.stdout.write(`${listOwnFolder(new URL(`./${release}/`, import.meta.url)).join('\n')}\n`)
