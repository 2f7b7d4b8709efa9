import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, truncate, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { eventually, type Gateway, startGateway } from '../harness.ts'
import { describeWith, findProgram } from '../peers.ts'
import { type Boxes, issueAt } from './boxes.ts'
import { type Fault, mayNotMount, names, namesAll } from './record.ts'

const inOrder = { concurrent: false }
const dayMs = 86_400_000
const isWarned = { status: 'warning' } as const

/** What the box gives its people and apps, with a box of its own to break. */
export const servingFaults = (boxes: () => Boxes) =>
  describe.concurrent('what the box serves', () => {
    let gateway: Gateway
    const stateOf = () => join(boxes().dir, 'serving')
    const pki = (name: string) => join(stateOf(), 'pki', name)

    test(
      'nobody who can sign in or administer, and a proxy that the socket is not for',
      inOrder,
      async () => {
        gateway = await startGateway(stateOf(), { EDGEWARD_BROKER_TLS_LISTEN: '127.0.0.1:0' })
        const first: Fault[] = [
          ['no user yet', { ...isWarned, id: 'auth.admin', says: /first-admin-code makes the first/ }],
          [
            'proxy.sock not given to the group of the proxy',
            { id: 'reverse_proxy', says: /not open to the group daemon/ },
          ],
        ]
        await namesAll(first, stateOf(), { env: { EDGEWARD_AUTH_PROXY_GROUP: 'daemon' } })

        await gateway.operate('user.add', { name: 'ann', password: 'a long way home 7', roles: ['Operator'] })
        const then: Fault[] = [
          ['no administrator left', { ...isWarned, id: 'auth.admin', says: /none of the 1 users/ }],
          ['group of the proxy unknown', { id: 'reverse_proxy', says: /no such group/ }],
        ]
        await namesAll(then, stateOf(), { env: { EDGEWARD_AUTH_PROXY_GROUP: 'nobody-knows' } })
      },
    )

    test('a broker that has as many connections as it takes', inOrder, async () => {
      await using _crowd = await crowd(Number(new URL(gateway.addresses.mqtt).port), 1_000)
      const full = { id: 'broker', says: /hung up on a CONNECT/ }
      await names('broker without a connection to spare', full, stateOf())
    })

    describeWith(['nginx'], 'behind nginx', () => {
      test.skipIf(mayNotMount)(
        'a proxy that is shut out, and one not reloaded (needs root)',
        inOrder,
        async ({ skip }) => {
          if (await isOpen(443)) return skip('port 443 is taken here')
          await using _nginx = await startNginx(stateOf())
          const shut = {
            id: 'reverse_proxy',
            status: 'warning',
            says: /nginx .*may not open .*proxy\.sock/,
          } as const
          await names('nginx may not open proxy.sock', shut, stateOf())

          await rm(pki('server.crt'))
          await gateway.stop()
          gateway = await startGateway(stateOf())
          const old = {
            id: 'reverse_proxy.certificate',
            status: 'warning',
            says: /still shows an older/,
          } as const
          await names('reverse proxy not reloaded after a new certificate', old, stateOf())
        },
      )
    })

    describe('at the end', inOrder, () => {
      test('its certificates, and the way in of the proxy', inOrder, async () => {
        const state = stateOf()
        await truncate(pki('server.key'), 100)
        await names('key of the box damaged', { id: 'certificates', says: /server\.key is damaged/ }, state)

        const anew = async (daysAgo: number) => {
          await rm(join(state, 'pki'), { recursive: true })
          await issueAt(join(state, 'pki'), systemClock.now() - daysAgo * dayMs, ['127.0.0.1'])
        }
        await anew(500)
        await names('certificate of the box expired', { id: 'certificates', says: /expired on/ }, state)
        await anew(0)
        await rm(join(state, 'run', 'proxy.sock'))
        const faults: Fault[] = [
          ['box moved to another address', { ...isWarned, id: 'certificates', says: /is not good for/ }],
          ['proxy.sock removed', { id: 'reverse_proxy', says: /is not there/ }],
        ]
        await namesAll(faults, state)
        await gateway.stop()
      })
    })
  })

/** So many connections that say nothing; whichever the far side ends is opened again. */
async function crowd(port: number, count: number): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>()
  const join = (): Promise<unknown> => {
    const socket = connect(port, '127.0.0.1')
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      if (sockets.delete(socket)) join().catch(() => {}) // told by its own close
    })
    return once(socket, 'connect')
  }
  await Promise.all(Array.from({ length: count }, join))
  return {
    async [Symbol.asyncDispose]() {
      const left = [...sockets]
      sockets.clear()
      for (const socket of left) socket.destroy()
    },
  }
}

const isOpen = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** As Debian runs it: workers of a user that is nobody here. */
async function startNginx(state: string): Promise<AsyncDisposable> {
  const file = join(state, '..', 'nginx.conf')
  const pid = join(state, '..', 'nginx.pid')
  await writeFile(
    file,
    `daemon off;\nuser www-data;\nworker_processes 1;\npid ${pid};\nerror_log stderr emerg;\nevents {}\n` +
      `http { access_log off; server { listen 127.0.0.1:443 ssl; ssl_certificate ${state}/pki/server.crt;` +
      ` ssl_certificate_key ${state}/pki/server.key; } }\n`,
  )
  const child = spawn(findProgram('nginx') as string, ['-c', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await eventually('nginx serves', () => isOpen(443))
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}
