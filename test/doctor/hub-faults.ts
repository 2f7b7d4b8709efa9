import { chmod, cp, readdir, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { answerHttp, answerHttps, type Front, hang, leadTo, say } from '../front.ts'
import { agentStatus, eventually } from '../harness.ts'
import { describeWith } from '../peers.ts'
import type { Boxes } from './boxes.ts'
import { shiftedBy } from './clock.ts'
import { doctor, names } from './record.ts'

const inOrder = { concurrent: false }

/** Whatever the far side does, the box is told the truth and is well again afterwards. */
export const hubFaults = (boxes: () => Boxes) =>
  describe.concurrent('the hub of a box', () => {
    test.for<[fault: string, behaviour: Parameters<Front['behave']>[0], id: string, says: RegExp]>([
      ['hub down', undefined, 'hub.connect', /ECONNREFUSED/],
      [
        'another service on the port of the hub',
        say('SSH-2.0-OpenSSH_9.6\r\n'),
        'hub.http',
        /cannot be reached/,
      ],
      ['hub hangs', hang, 'hub.http', /timeout/],
      ['hub overloaded', answerHttp(503, 'busy'), 'hub.http', /503/],
      [
        'a web page in place of the hub',
        answerHttp(200, '<html>Welcome</html>'),
        'hub.http',
        /not as a hub does/,
      ],
    ])('%s', inOrder, async ([fault, behaviour, id, says]) => {
      const { plain } = boxes()
      await plain.rest.behave(behaviour)
      try {
        const findings = await names(fault, { id, says }, plain.dir)
        const others = findings.filter((finding) => finding.status === 'failed' && finding.id !== id)
        expect(others, 'a fault of the network is told once').toEqual([])
      } finally {
        await plain.rest.behave(leadTo(plain.hub.addresses.http))
      }
    })

    test('MQTT port closed', inOrder, async () => {
      const { plain } = boxes()
      await plain.mqtt.behave(undefined)
      await names('MQTT port closed', { id: 'hub.mqtt', says: /ECONNREFUSED/ }, plain.dir)
      await plain.mqtt.behave(leadTo(plain.hub.addresses.mqtt))
    })

    test('state that others may read, or that is damaged', inOrder, () => stateFaults(boxes().plain.dir))

    test('configuration that is wrong', inOrder, async () => {
      const { plain, dir } = boxes()
      const file = join(dir, 'edgeward.toml')
      await writeFile(file, '[uplink]\nwindw = 3\n')
      const says = /edgeward\.toml:2: unknown key uplink\.windw; did you mean uplink\.window/
      const circumstances = { args: ['--config', file] }
      await names('unknown key in the configuration', { id: 'configuration', says }, plain.dir, circumstances)
      const env = { EDGEWARD_PROXY_CA_FILE: join(dir, 'nowhere.pem') }
      const missing = { id: 'configuration', says: /proxy\.ca_file.*cannot be read/ }
      await names('proxy.ca_file missing', missing, plain.dir, { env })
    })

    describeWith(['faketime'], 'with a clock that lies', () => {
      test('clocks that are ahead, and time that has passed', inOrder, () => clockFaults(boxes()))
    })

    describe('at the end', inOrder, () => {
      test('offboarded at the hub', inOrder, async () => {
        const { plain } = boxes()
        await plain.hub.operate('agent.offboard', { id: plain.agent.id })
        await eventually(
          'noticed',
          async () => (await agentStatus(plain.gateway)).identity.state === 'needs-onboarding',
        )
        // It tries again from time to time, and is not known to be refused while it does.
        const id = ['identity', 'identity.accepted']
        await names(
          'offboarded',
          { id, says: /takes none of the credentials|refused the credential/ },
          plain.dir,
        )
      })
    })
  })

async function stateFaults(state: string): Promise<void> {
  const identity = join(state, 'identity')
  const files = (await readdir(identity))
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(identity, name))
  expect(files).toHaveLength(2)

  const [copy] = files as [string]
  await chmod(copy, 0o644)
  await names('identity file world-readable', { id: 'state', says: /identity.*mode 644/ }, state)
  await chmod(copy, 0o600)

  await chmod(state, 0o755)
  await names('state directory open to others', { id: 'state', says: /mode 755/ }, state)
  await chmod(state, 0o700)

  await cp(identity, `${state}-identity`, { recursive: true })
  for (const file of files) await truncate(file, 100)
  await names('identity truncated', { id: 'identity', says: /damaged/ }, state)
  await rename(identity, `${state}-damaged`)
  await rename(`${state}-identity`, identity)
  await chmod(identity, 0o700)

  await cp(copy, `${state}-copy`)
  await truncate(copy, 100)
  const halved = { id: 'identity', status: 'warning', says: /one of the two copies/ } as const
  await names('one copy of the identity damaged', halved, state)
  await rename(`${state}-copy`, copy)
}

async function clockFaults({ plain }: Boxes): Promise<void> {
  const ahead = { id: 'clock', says: /24 hours ahead/ }
  const found = await names('clock a day ahead', ahead, plain.dir, { env: shiftedBy('+1d') })
  const untouched = found.find(({ id }) => id === 'hub.http')
  expect(untouched, 'what the clock does not touch').toMatchObject({ status: 'ok' })

  await plain.rest.behave(undefined)
  const { findings } = await doctor(plain.dir, { env: shiftedBy('+6d') })
  expect(findings.find(({ id }) => id === 'identity.credential')).toMatchObject({
    status: 'warning',
    cause: expect.stringContaining('rotation is overdue'),
  })
  const expired = { id: 'identity.credential', says: /expired on/ }
  const env = shiftedBy('+8d')
  await names('credential expired while the hub was away', expired, plain.dir, { env })
  await plain.rest.behave(leadTo(plain.hub.addresses.http))
}

/** Certificates that are not to be trusted, each for its own reason. */
export const certificateFaults = (boxes: () => Boxes) =>
  describe.concurrent('the certificate of the hub', () => {
    test('is refused, and the reason is named', inOrder, async () => {
      const { secure, pairs } = boxes()
      const faults = [
        ['certificate of an unknown authority', pairs.stranger, /issued by .*CA/],
        ['certificate expired', pairs.expired, /expired on/],
        ['certificate for another host', pairs.otherHost, /not for 127\.0\.0\.1/],
      ] as const
      for (const [fault, pair, says] of faults) {
        await secure.rest.behave(answerHttps(pair))
        await names(fault, { id: 'hub.tls', says }, secure.dir)
      }
      await secure.rest.behave(say('220 smtp.example ESMTP\r\n'))
      await names('no TLS on the port of the hub', { id: 'hub.tls', says: /cannot be reached/ }, secure.dir)
      await secure.rest.behave(leadTo(secure.hub.addresses.http))
    })

    describeWith(['faketime'], 'with a clock that lies', () => {
      test('is not judged by a clock that is wrong', inOrder, async () => {
        const { dir } = boxes().secure
        const behind = { id: 'clock', says: /3650 days behind/ }
        const env = shiftedBy('-3650d')
        const found = await names('clock ten years behind, over TLS', behind, dir, { env })
        expect(found.find(({ id }) => id === 'hub.tls')).toMatchObject({
          status: 'skipped',
          because: 'clock',
        })
      })
    })
  })
