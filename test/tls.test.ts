import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openCerts } from '../certs/index.ts'
import { systemClock } from '../core/clock.ts'
import { createLog } from '../core/log.ts'
import { systemRandom } from '../core/random.ts'
import {
  agentStatus,
  createAgent,
  eventually,
  joinPlant,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'

/** A certificate for this machine from an authority that nobody else knows. */
async function makeCertificate(dir: string) {
  const deps = { clock: systemClock, random: systemRandom, log: createLog('silent') }
  const certs = await openCerts(deps, { dir, names: ['localhost', '127.0.0.1'], deviceName: 'hub' })
  const files = { cert: join(dir, 'hub.pem'), key: join(dir, 'hub.key'), ca: join(dir, 'ca.pem') }
  await writeFile(files.cert, certs.server.cert)
  await writeFile(files.key, certs.server.key, { mode: 0o600 })
  await writeFile(files.ca, certs.ca)
  return files
}

test('over TLS a box trusts the hub by the authority in its boarding configuration, and only then', async () => {
  await using dir = await tempDir()
  const { cert, key, ca } = await makeCertificate(join(dir.path, 'hub-pki'))
  await using hub = await startHub(join(dir.path, 'hub'), {
    EDGEWARD_HUB_TLS_CERT: cert,
    EDGEWARD_HUB_TLS_KEY: key,
    EDGEWARD_HUB_TLS_CA: ca,
  })
  expect(hub.addresses).toEqual(
    expect.objectContaining({
      http: expect.stringMatching(/^https:/),
      mqtt: expect.stringMatching(/^mqtts:/),
    }),
  )
  await hub.operate('init')
  const agent = await createAgent(hub, 'box')
  expect(agent.boarding.content.mqtt).toMatch(/^mqtts:/)
  expect(agent.boarding.content.ca).toContain('BEGIN CERTIFICATE')

  await using stranger = await startGateway(join(dir.path, 'stranger'))
  const { ca: _left, ...content } = agent.boarding.content
  await expect(
    stranger.operate('identity.onboard', { boarding: { ...agent.boarding, content } }),
  ).rejects.toMatchObject({
    exitCode: 5,
    message: expect.stringMatching(/tls/),
  })

  await using gateway = await startGateway(join(dir.path, 'box'))
  await joinPlant(gateway, hub, agent)
  await eventually(
    'connected over TLS',
    async () => (await agentStatus(gateway)).uplink.state === 'connected',
  )
})
