import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { type Check, type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'
import { type DaemonView, type Described, patienceMs } from './daemon-view.ts'
import type { Pki } from './pki.ts'

/** Speaks MQTT to the broker of this box, as an app does that shows no secret. */
export function brokerCheck({ described }: DaemonView, pki: () => Promise<Pki>): Check {
  return {
    id: 'broker',
    title: 'broker of the apps',
    needs: ['daemon', 'daemon.listeners'],
    async run(signal) {
      const said = await described()
      return said ? describeBroker(said, pki, signal) : skipped('the daemon did not say where it is')
    },
  }
}

async function describeBroker(
  { addresses: { mqtt, mqtts } }: Described,
  pki: () => Promise<Pki>,
  signal: AbortSignal,
): Promise<Finding> {
  if (mqtt === undefined) return skipped('the daemon has no broker')
  const plain = await tryListener(mqtt, signal)
  if (plain.finding.status !== 'ok' || mqtts === undefined) return plain.finding
  const secure = await tryListener(mqtts, signal)
  if (secure.finding.status !== 'ok') return secure.finding
  const { server } = await pki()
  if (server && secure.fingerprint256 !== server.fingerprint256)
    return warning(
      `${mqtts} shows another certificate than that in pki/server.crt`,
      'Restart the daemon: "systemctl restart edgeward".',
    )
  return ok(`${mqtt} and ${mqtts} answer, and let in nobody without a secret`)
}

interface Tried {
  finding: Finding
  /** Of the certificate that it shows. */
  fingerprint256?: string | undefined
}

async function tryListener(url: string, signal: AbortSignal): Promise<Tried> {
  try {
    const socket = await open(url)
    const shown = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
    const finding = describeAnswer(url, await greet(socket, signal))
    return { finding, fingerprint256: shown?.fingerprint256 }
  } catch (error) {
    return { finding: failed(`${url} takes no connection: ${(error as Error).message}`, seeLog) }
  }
}

const seeLog = 'See the log of the daemon, then restart it: "systemctl restart edgeward".'

/** MQTT 3.1.1, a clean session, no client id, no user. */
const connectPacket = Buffer.from('100c00044d5154540402000a0000', 'hex')
const connack = 0x20

/** What came back for a CONNECT; undefined when nothing came in time. */
async function greet(socket: Socket, signal: AbortSignal): Promise<Buffer | undefined> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
  try {
    socket.write(connectPacket)
    const [answer] = await Promise.race([
      once(socket, 'data', { signal: late }),
      once(socket, 'close', { signal: late }).then(() => [Buffer.alloc(0)]),
    ])
    return answer as Buffer
  } catch (error) {
    if (late.aborted) return undefined
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return Buffer.alloc(0)
    throw error
  } finally {
    socket.destroy()
  }
}

async function open(url: string): Promise<Socket> {
  const { protocol, hostname, port } = new URL(url)
  const to = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), timeout: patienceMs }
  const isTls = protocol === 'mqtts:'
  // Ours by its fingerprint, not by an authority: names and dates are matters of another check.
  const socket = isTls ? connectTls({ ...to, rejectUnauthorized: false }) : connectTcp(to)
  socket.once('timeout', () => socket.destroy(new Error(`no connection within ${patienceMs} ms`)))
  await once(socket, isTls ? 'secureConnect' : 'connect')
  socket.setTimeout(0) // from here on it is the answer that is waited for
  return socket
}

function describeAnswer(url: string, answer: Buffer | undefined): Finding {
  if (answer === undefined)
    return failed(`${url} took a CONNECT and did not answer within ${patienceMs / 1000} s`, seeLog)
  if (answer.length === 0)
    return failed(
      `${url} hung up on a CONNECT: it has as many connections as it takes, or is ending`,
      'See which app opens so many ("ss -tn"), end it, and look at the log of the daemon.',
    )
  if (answer[0] !== connack || answer.length < 4)
    return failed(`${url} does not answer as an MQTT broker does`, seeLog)
  if (answer[3] === 0)
    return failed(`${url} lets in who shows no secret`, 'Stop the daemon, and report this as a fault of it.')
  return ok(`${url} answers, and lets in nobody without a secret`)
}
