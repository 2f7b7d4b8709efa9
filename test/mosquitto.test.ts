import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  createAgent,
  eventually,
  joinPlant,
  readings,
  runProgram,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'
import { describeWith } from './peers.ts'

describeWith(['mosquitto_pub', 'mosquitto_sub'], 'an app that uses the mosquitto clients', () => {
  test('publishes a bound measurement over TLS and finds it at the hub', async () => {
    await using dir = await tempDir()
    await using hub = await startHub(join(dir.path, 'hub'))
    await hub.operate('init')
    const agent = await createAgent(hub, 'box')
    await using gateway = await startGateway(join(dir.path, 'box'), {
      EDGEWARD_BROKER_TLS_LISTEN: '127.0.0.1:0',
    })
    const app = await joinPlant(gateway, hub, agent)
    const ca = join(dir.path, 'ca.pem')
    const { ca: shown } = await gateway.operate<{ ca: { pem: string } }>('cert.show')
    await writeFile(ca, shown.pem)

    const { hostname, port } = new URL(gateway.addresses.mqtts as string)
    const login = ['-h', hostname, '-p', port, '--cafile', ca, '-u', app.id, '-P', app.secret]
    const sent = await runProgram('mosquitto_pub', [
      ...login,
      '-q',
      '1',
      '-t',
      'apps/press/m',
      '-m',
      '{"n":41,"x":0.5}',
    ])
    expect(sent.code, sent.stderr).toBe(0)
    await eventually('the reading at the hub', async () => {
      const [reading] = await readings(hub, agent.id, 'n')
      return reading?.value === 41 && reading.quality === 0
    })
  })

  test('is refused with a wrong secret, and cannot listen beyond its own topics', async () => {
    await using dir = await tempDir()
    await using gateway = await startGateway(dir.path)
    const app = await gateway.operate<{ client_id: string; client_secret: string }>('app.add', {
      name: 'a',
      version: '1',
    })
    await gateway.operate('app.add', { name: 'b', version: '1' })
    const { hostname, port } = new URL(gateway.addresses.mqtt)
    const at = ['-h', hostname, '-p', port, '-W', '5']

    const wrong = await runProgram('mosquitto_sub', [...at, '-u', 'a', '-P', 'wrong', '-t', 'apps/a/#'])
    expect(wrong.code).not.toBe(0)
    expect(wrong.stderr).toMatch(/not authori[sz]ed|bad user name/i)
    for (const topic of ['apps/b/#', '#', '$SYS/#', '$share/g/apps/a/#', 'apps/+/x']) {
      const denied = await runProgram('mosquitto_sub', [
        ...at,
        '-u',
        'a',
        '-P',
        app.client_secret,
        '-t',
        topic,
      ])
      expect(`${denied.stdout}${denied.stderr}`, topic).toMatch(/denied|rejected|not authori[sz]ed/i)
    }
  })
})
