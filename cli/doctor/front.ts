import type { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { type Check, type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'
import type { Pki } from './pki.ts'
import { commandOf, processIds, readIfReadable } from './processes.ts'

export interface FrontView {
  runtimeDir: string
  /** `auth.proxy_group` */
  group: string | undefined
  pki(): Promise<Pki>
}

/** The reverse proxy before the box, as far as it runs here: its way to the daemon, and what it shows. */
export function frontChecks({ runtimeDir, group, pki }: FrontView): Check[] {
  return [
    {
      id: 'reverse_proxy',
      title: 'reverse proxy',
      needs: ['daemon'],
      run: () => describeSocket(join(runtimeDir, 'proxy.sock'), group),
    },
    {
      id: 'reverse_proxy.certificate',
      title: 'certificate on port 443',
      needs: ['certificates'],
      run: async (signal) => describeShown(await pki(), signal),
    },
  ]
}

async function describeSocket(path: string, group: string | undefined): Promise<Finding> {
  const socket = await stat(path).catch(() => undefined)
  if (!socket)
    return failed(
      `${path} is not there, so no reverse proxy reaches the daemon`,
      'Restart the daemon: "systemctl restart edgeward". See what removes files in its runtime directory.',
    )
  const gid = group === undefined ? undefined : await groupId(group)
  const isOpenToGroup = (socket.mode & 0o020) !== 0
  if (group !== undefined && (gid !== socket.gid || !isOpenToGroup))
    return failed(
      gid === undefined
        ? `auth.proxy_group names ${group}, and there is no such group`
        : `${path} is not open to the group ${group}, as auth.proxy_group asks`,
      'Correct auth.proxy_group, and restart the daemon: it opens the socket at its start.',
      { path, gid: socket.gid, mode: (socket.mode & 0o777).toString(8) },
    )
  const proxies = await runningProxies()
  const [first] = proxies
  if (!first) return skipped('neither nginx nor Caddy runs here')
  const shut = await firstShutOut(proxies, path)
  if (!shut) return ok(`${first.name} (process ${first.pid}) may open ${path}`, { path })
  return warning(
    `${shut.name} (process ${shut.pid}, user ${shut.uid}) may not open ${path}: what it passes on to edgeward ends with 502`,
    `Set proxy_group in [auth] to the group of ${shut.name} (www-data for nginx on Debian, caddy for Caddy), make the daemon a member of it (SupplementaryGroups= in the unit), and restart it.`,
    { path, pid: shut.pid, uid: shut.uid, gids: shut.gids },
  )
}

async function groupId(group: string): Promise<number | undefined> {
  const line = ((await readIfReadable('/etc/group')) ?? '')
    .split('\n')
    .find((one) => one.startsWith(`${group}:`))
  return line === undefined ? undefined : Number(line.split(':')[2])
}

interface Proxy {
  name: string
  pid: number
  uid: number
  gids: number[]
}

/** Those that connect: of nginx the workers. */
async function runningProxies(): Promise<Proxy[]> {
  const found = await Promise.all((await processIds()).map(proxyAt))
  return found.filter((proxy) => proxy !== undefined)
}

async function proxyAt(pid: number): Promise<Proxy | undefined> {
  const name = ((await readIfReadable(`/proc/${pid}/comm`)) ?? '').trim()
  if (name !== 'nginx' && name !== 'caddy') return undefined
  if (name === 'nginx' && !(await commandOf(pid)).startsWith('nginx: worker')) return undefined
  const status = (await readIfReadable(`/proc/${pid}/status`)) ?? ''
  const ids = (field: string) =>
    (new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '')
      .trim()
      .split(/\s+/)
      .filter(Boolean)
      .map(Number)
  const [, uid] = ids('Uid')
  const [, gid] = ids('Gid')
  if (uid === undefined || gid === undefined) return undefined // it has just ended
  return { name, pid, uid, gids: [gid, ...ids('Groups')] }
}

/** To connect takes the right to write to the socket, and to pass through every directory above. */
async function firstShutOut(proxies: readonly Proxy[], path: string): Promise<Proxy | undefined> {
  const above: string[] = []
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    above.push(dir)
    if (dir === '/') break
  }
  for (const proxy of proxies) {
    if (proxy.uid === 0) continue
    const way = await Promise.all([mayUse(proxy, path, 2), ...above.map((dir) => mayUse(proxy, dir, 1))])
    if (way.includes(false)) return proxy
  }
  return undefined
}

async function mayUse({ uid, gids }: Proxy, path: string, right: number): Promise<boolean> {
  const stats = await stat(path)
  const shift = stats.uid === uid ? 6 : gids.includes(stats.gid) ? 3 : 0
  return ((stats.mode >> shift) & right) !== 0
}

const httpsPort = 443
const patienceMs = 2_000

async function describeShown({ ca, server }: Pki, signal: AbortSignal): Promise<Finding> {
  if (!ca || !server) return skipped('this box has no certificate yet')
  const shown = await shownCertificate(signal)
  if (typeof shown === 'string') return skipped(shown)
  const facts = { shown: shown.fingerprint256, stored: server.fingerprint256 }
  if (shown.fingerprint256 === server.fingerprint256) return ok('is that of this box, as it is now', facts)
  // The device CA may have been made anew, too: it keeps its name.
  if (shown.issuer !== ca.subject)
    return skipped(
      `port ${httpsPort} shows a certificate of another authority (${oneLine(shown.issuer)})`,
      facts,
    )
  return warning(
    `what serves port ${httpsPort} still shows an older certificate of this box, good until ${shown.validTo}`,
    'Let it read the new one: "systemctl reload nginx", or "systemctl restart caddy".',
    facts,
  )
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ')

/** Why not, in words, when there is none. */
async function shownCertificate(signal: AbortSignal): Promise<X509Certificate | string> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
  const socket: TLSSocket = connect({
    ...{ host: '127.0.0.1', port: httpsPort, servername: 'localhost' },
    rejectUnauthorized: false, // it is only looked at
  })
  try {
    await once(socket, 'secureConnect', { signal: late })
    const certificate = socket.getPeerX509Certificate()
    return certificate ?? `port ${httpsPort} shows no certificate`
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (late.aborted) return `port ${httpsPort} did not answer within ${patienceMs / 1000} s`
    return code === 'ECONNREFUSED'
      ? `nothing takes connections on port ${httpsPort}`
      : `port ${httpsPort} speaks no TLS: ${message}`
  } finally {
    socket.destroy()
  }
}
