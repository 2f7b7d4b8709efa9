import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { BoardingConfiguration } from '../../protocol/boarding.ts'
import { answerHttp, openFront } from '../front.ts'
import { createAgent, freePort } from '../harness.ts'
import { describeWith } from '../peers.ts'
import type { Boxes } from './boxes.ts'
import { shiftedBy } from './clock.ts'
import { mayNotMount, names, withMounts } from './record.ts'

const inOrder = { concurrent: false }
const hubName = 'hub.nowhere.invalid'

export const networkFaults = (boxes: () => Boxes) =>
  describe.concurrent('the way of a box into the world', () => {
    test('a box that was never onboarded; then a hub behind a proxy', inOrder, async () => {
      const { dir, gateway } = boxes().lost
      const never = { id: 'identity', status: 'warning', says: /has not been onboarded/ } as const
      await names('never onboarded', never, dir)

      const { boarding } = await createAgent(boxes().secure.hub, 'lost')
      const content = { ...boarding.content, baseUrl: `https://${hubName}` }
      const lost: BoardingConfiguration = { ...boarding, content }
      await expect(gateway.operate('identity.onboard', { boarding: lost })).rejects.toMatchObject({
        exitCode: 5,
      })
      const down = { env: { EDGEWARD_PROXY_URL: `http://127.0.0.1:${await freePort()}` } }
      await names('proxy down', { id: 'proxy', says: /ECONNREFUSED/ }, dir, down)
      await using proxy = await openFront(answerHttp(407, ''))
      const closed = { env: { EDGEWARD_PROXY_URL: `http://${proxy.host}` } }
      await names('proxy wants credentials', { id: 'proxy', says: /407/ }, dir, closed)
    })

    test.skipIf(mayNotMount)('name servers (needs root)', inOrder, async () => {
      const { lost, dir } = boxes()
      await using server = await nameServer()
      const resolvConf = async (text: string) => {
        const file = join(dir, 'resolv.conf')
        await writeFile(file, text)
        return { under: withMounts({ '/etc/resolv.conf': file }) }
      }
      const there = await resolvConf(`nameserver ${server.address}\n`)
      const unknown = { id: 'hub.resolve', says: /nowhere\.invalid/ }
      await names('DNS name that does not exist', unknown, lost.dir, there)
      const away = await resolvConf('nameserver 127.0.77.54\n')
      const silent = { id: 'network.dns', says: /no name server answers: 127\.0\.77\.54/ }
      await names('name server down', silent, lost.dir, away)
      const none = { id: 'network.dns', says: /no name server stands in/ }
      await names('no name server configured', none, lost.dir, await resolvConf('# empty\n'))
    })

    describeWith(['ip', 'unshare'], 'in a network of its own', () => {
      test.skipIf(mayNotMount)('cable and gateway (needs root)', inOrder, async () => {
        const { lost, dir } = boxes()
        // The daemon stays behind in the network that there was: its listeners are out of reach from here.
        const despite = ['daemon.listeners']
        const cut = { id: 'network', says: /no network interface has an address/, despite }
        await names('network cable out', cut, lost.dir, { under: ['unshare', '--net'] })

        const hosts = join(dir, 'hosts')
        await writeFile(hosts, `198.51.100.1 ${hubName}\n`)
        const cable = 'ip link add lan type veth peer name far && ip addr add 192.0.2.9/24 dev lan'
        const script = `${cable} && ip link set lan up && ip link set far up && mount --bind '${hosts}' /etc/hosts && exec "$@"`
        const under = ['unshare', '--net', '--mount', 'sh', '-c', script, 'sh']
        const alone = { id: 'network', says: /no default route/, despite }
        await names('no default route', alone, lost.dir, { under })
      })
    })

    describeWith(['faketime'], 'with a clock that lies', () => {
      test('the end of the boarding configuration', inOrder, async () => {
        const expired = { id: 'identity', says: /boarding configuration expired/ }
        const env = shiftedBy('+8d')
        const fault = 'boarding configuration expired while the hub was away'
        await names(fault, expired, boxes().lost.dir, { env })
      })
    })
  })

/** Knows no name, and says so. */
async function nameServer(): Promise<AsyncDisposable & { address: string }> {
  const socket = createSocket('udp4')
  const address = '127.0.77.53'
  socket.on('message', (query, { port, address: asker }) => {
    const answer = Buffer.from(query)
    answer.writeUInt16BE(0x8183, 2) // an answer, recursion available, no such name
    answer.writeUInt16BE(0, 10) // and nothing beside the question
    socket.send(answer.subarray(0, endOfQuestion(query)), port, asker)
  })
  socket.bind(53, address)
  await once(socket, 'listening')
  return {
    address,
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

/** Behind the header, the labels of the name, their end, type and class. */
function endOfQuestion(query: Buffer): number {
  let at = 12
  while (query[at] !== 0 && at < query.length) at += 1 + (query[at] as number)
  return at + 5
}
