import { chmod, chown } from 'node:fs/promises'
import { EdgeError } from '../core/errors.ts'
import { readFileIfExists } from '../core/files.ts'
import { type HttpServer, listenUnix } from '../core/http-server.ts'

export class ProxyGroupRefused extends EdgeError {
  override readonly name = 'ProxyGroupRefused'
  readonly code = 'proxy_group_refused'
  override readonly exitCode = 2
  override readonly cure: string

  constructor(group: string, reason: string, cure: string, options: ErrorOptions = {}) {
    super(`proxy.sock cannot be given to the group ${group} (auth.proxy_group): ${reason}`, options)
    this.cure = cure
  }
}

/** Whoever can open this socket is believed to be the reverse proxy: our own user, and `group` if set. */
export async function listenProxySocket(
  server: HttpServer,
  path: string,
  group: string | undefined,
): Promise<void> {
  const gid = group === undefined ? undefined : await groupId(group)
  await listenUnix(server, path, 0o600)
  if (group === undefined || gid === undefined) return
  try {
    await chown(path, -1, gid)
    await chmod(path, 0o660)
  } catch (cause) {
    const cure = `Make the daemon's user a member, e.g. by SupplementaryGroups=${group} in its unit.`
    throw new ProxyGroupRefused(group, (cause as Error).message, cure, { cause })
  }
}

async function groupId(group: string): Promise<number> {
  const known = (await readFileIfExists('/etc/group')) ?? ''
  for (const line of known.split('\n')) {
    const [name, , gid] = line.split(':')
    if (name === group) return Number(gid)
  }
  throw new ProxyGroupRefused(group, 'there is no such group', 'Install the proxy first, or name its group.')
}
