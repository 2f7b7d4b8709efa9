import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { openBroker } from '../broker/index.ts'
import { systemClock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import { describeWith } from './peers.ts'

const exec = promisify(execFile)
const free = {
  ...{ publish: [], subscribe: [], writesTimeSeries: true },
  quota: { messages: null, bytes: null },
}

describeWith(['mosquitto_pub', 'mosquitto_sub'], "the broker and mosquitto's clients", () => {
  async function started() {
    const offered: string[] = []
    const broker = await openBroker(
      {
        authenticate: (name, secret) => secret === `${name}-secret`,
        async offer(topic, payload) {
          offered.push(`${topic}=${payload}`)
        },
        isMeasurement: () => true,
        rightsOf: () => free,
        overQuota: () => {},
        clock: systemClock,
        log: pino({ level: 'silent' }),
        random: systemRandom,
      },
      { listen: '127.0.0.1:0', tls: { cert: '', key: '' } },
    )
    onTestFinished(() => broker[Symbol.asyncDispose]())
    const { hostname, port } = new URL(broker.addresses.mqtt)
    const at = (app: string, topic: string) => ['-h', hostname, '-p', port, '-u', app, '-t', topic]
    return { at, offered }
  }

  test.each(['0', '1', '2'])('a message of QoS %s is taken', async (qos) => {
    const { at, offered } = await started()
    await exec('mosquitto_pub', [
      ...at('press', 'apps/press/x'),
      '-P',
      'press-secret',
      '-q',
      qos,
      '-m',
      '21.5',
    ])
    await expect.poll(() => offered).toEqual(['apps/press/x=21.5'])
  })

  test('a retained message reaches a subscriber that asks for a lasting session', async () => {
    const { at } = await started()
    const press = [...at('press', 'apps/press/x'), '-P', 'press-secret', '-q', '1']
    await exec('mosquitto_pub', [...press, '-r', '-m', '21.5'])
    const { stdout } = await exec('mosquitto_sub', [...press, '-c', '-i', 'line-1', '-C', '1', '-W', '10'])
    expect(stdout).toBe('21.5\n')
  })

  test('a wrong secret and a foreign topic fail', async () => {
    const { at, offered } = await started()
    const publish = (app: string, secret: string) =>
      exec('mosquitto_pub', [...at(app, 'apps/press/x'), '-P', secret, '-q', '1', '-m', '1'])
    await expect(publish('press', 'guess')).rejects.toThrow('The connection was refused')
    await expect(publish('saw', 'saw-secret')).rejects.toThrow()
    expect(offered).toEqual([])
  })
})
