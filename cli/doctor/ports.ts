import { isIP } from 'node:net'
import type { Config } from '../../config.ts'
import { type Check, type Finding, failed, ok, skipped } from '../../core/diagnosis.ts'
import { parseListen } from '../../core/http-server.ts'
import type { Configured } from './configuration.ts'
import type { DaemonView } from './daemon-view.ts'
import { commandOf, processName, readIfReadable, socketHolders } from './processes.ts'
import { isInTheWay, listeningSockets, ownAddresses, shortForm } from './sockets.ts'

interface Wanted {
  /** Key of the configuration. */
  setting: string
  host: string
  port: number
}

/** Who has the ports of the configuration. Looked at before the command gives up what root may see. */
export interface TakenPorts {
  /** False when the kernel does not show its sockets here. */
  isKnown: boolean
  taken: (Wanted & { pid?: number; command: string })[]
}

const wantedBy = ({ auth, admin, broker }: Config): Wanted[] =>
  Object.entries({
    'auth.listen': auth.listen,
    'auth.introspect_listen': auth.introspect_listen,
    'admin.listen': admin.listen,
    'broker.listen': broker.listen,
    'broker.tls_listen': broker.tls_listen,
  }).flatMap(([setting, listen]) => (listen === undefined ? [] : { setting, ...parseListen(listen) }))

export async function takenPorts(config: Config): Promise<TakenPorts> {
  const sockets = await listeningSockets()
  if (!sockets) return { isKnown: false, taken: [] }
  const inTheWay = wantedBy(config).flatMap((wanted) => {
    const socket = sockets.find((one) => isInTheWay(one, wanted.host, wanted.port))
    return socket ? [{ wanted, inode: socket.inode }] : []
  })
  const holders = await socketHolders(new Set(inTheWay.map(({ inode }) => inode)))
  const taken = inTheWay.map(async ({ wanted, inode }) => {
    const pid = holders.get(inode)
    return pid === undefined ? { ...wanted, command: '' } : { ...wanted, pid, command: await commandOf(pid) }
  })
  return { isKnown: true, taken: await Promise.all(taken) }
}

/** Whether the daemon could open its listeners, while it does not run. */
export function portsCheck(ports: TakenPorts, { config, isValid }: Configured, view: DaemonView): Check {
  return {
    id: 'ports',
    title: 'ports of the listeners',
    needs: ['owner'],
    async run() {
      if ((await view.answer()) !== 'nobody') return skipped('the daemon runs and has them')
      if (!isValid) return skipped('which they are is not known before the configuration is mended')
      return describePorts(wantedBy(config), ports)
    },
  }
}

async function describePorts(wanted: readonly Wanted[], { isKnown, taken }: TakenPorts): Promise<Finding> {
  const foreign = wanted.find(({ host }) => isElsewhere(host))
  if (foreign)
    return failed(
      `no interface of this box has the address ${foreign.host}, on which ${foreign.setting} wants to listen`,
      `Correct ${foreign.setting}, or see why the interface has not got its address ("ip address").`,
      { ...foreign },
    )
  const closed = await privileged(wanted)
  if (closed)
    return failed(
      `${closed.setting} wants port ${closed.port}, and only root may listen on ports so low`,
      `Give ${closed.setting} a port from 1024 on, and let a reverse proxy take the low one.`,
      { ...closed },
    )
  if (!isKnown) return skipped('the kernel does not show here who listens')
  const [first] = taken
  if (!first) return ok('all are free')
  const { setting, host, port, pid, command } = first
  const who =
    pid === undefined ? 'another process, of which root can see more,' : processName({ pid, command })
  return failed(
    `${who} listens on port ${port}, which ${setting} (${host}:${port}) needs, so the daemon cannot start`,
    `Stop it${pid === undefined ? ` ("ss -ltnp sport = :${port}" as root names it)` : ` ("kill ${pid}")`}, or give ${setting} another port.`,
    { taken },
  )
}

const isElsewhere = (host: string): boolean => {
  if (isIP(host) === 0 || host.startsWith('127.')) return false
  const address = shortForm(host)
  return address !== '0.0.0.0' && address !== '::' && !ownAddresses().map(shortForm).includes(address)
}

async function privileged(wanted: readonly Wanted[]): Promise<Wanted | undefined> {
  if (process.getuid?.() === 0) return undefined
  const text = await readIfReadable('/proc/sys/net/ipv4/ip_unprivileged_port_start')
  const first = Number(text ?? Number.NaN)
  return wanted.find(({ port }) => port > 0 && port < first)
}
