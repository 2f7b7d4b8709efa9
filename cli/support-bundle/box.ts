import { execFile } from 'node:child_process'
import { readFile, statfs } from 'node:fs/promises'
import * as os from 'node:os'
import { promisify } from 'node:util'
import { EdgeError } from '../../core/errors.ts'
import { release } from '../../core/release.ts'
import type { Places } from '../../main.ts'
import { lockHolder } from '../doctor/lock-holder.ts'
import { asJson, type Part } from './part.ts'

/** What Linux says of the box; asks no process of ours. */
export function boxParts({ stateDir }: Places): Part[] {
  return [
    { path: 'box/versions.json', about: 'edgeward, Node, kernel, system, memory', collect: versions },
    {
      path: 'box/disks.json',
      about: 'room and mounts, of the state and beside it',
      collect: () => disks([stateDir, '/', '/var/log', '/tmp']),
    },
    { path: 'box/network.json', about: 'interfaces, routes, name servers', collect: network },
    {
      path: 'box/unit.txt',
      about: 'how systemd sees the service',
      collect: unit,
    },
    {
      path: 'box/process.txt',
      about: 'the process that holds the state',
      collect: async () => processOf(stateDir),
    },
  ]
}

const text = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)

async function versions(): Promise<string> {
  const system = (await text('/etc/os-release')) ?? ''
  return asJson({
    ...{ edgeward: release, node: process.version, libraries: process.versions },
    ...{ kernel: `${os.type()} ${os.release()}`, build: os.version(), architecture: os.arch() },
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(system)?.[1],
    hostname: os.hostname(),
    processors: os.cpus().map(({ model }) => model),
    memory: { totalBytes: os.totalmem(), freeBytes: os.freemem() },
    ...{ load: os.loadavg(), uptimeSeconds: Math.round(os.uptime()) },
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  })
}

async function disks(paths: readonly string[]): Promise<string> {
  const mounts = ((await text('/proc/self/mounts')) ?? '').split('\n').map((line) => line.split(' '))
  const mountOf = (path: string) =>
    mounts
      .filter(([, at = '']) => at === '/' || path === at || path.startsWith(`${at}/`))
      .sort((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))[0]
  const described = await Promise.all(
    paths.map(async (path) => {
      const room = await statfs(path).catch(() => undefined)
      if (!room) return { path, isThere: false }
      const [device, at, type, options] = mountOf(path) ?? []
      const { bsize, blocks, bavail, files, ffree } = room
      return {
        ...{ path, device, at, type, options },
        ...{ bytes: blocks * bsize, freeBytes: bavail * bsize, files, freeFiles: ffree },
      }
    }),
  )
  return asJson(described)
}

async function network(): Promise<string> {
  return asJson({
    interfaces: os.networkInterfaces(),
    routes: (await text('/proc/net/route'))?.trim().split('\n'),
    resolver: (await text('/etc/resolv.conf'))?.trim().split('\n'),
  })
}

/** Not its environment, which may hold anything. */
const properties = [
  ...['LoadState', 'ActiveState', 'SubState', 'Result', 'UnitFileState', 'FragmentPath', 'DropInPaths'],
  ...['MainPID', 'NRestarts', 'ExecMainStatus', 'ExecMainCode', 'ExecMainStartTimestamp', 'MemoryCurrent'],
  ...['MemoryPeak', 'CPUUsageNSec', 'TasksCurrent', 'StateChangeTimestamp', 'User', 'Group'],
]

class NoSystemd extends EdgeError {
  override readonly name = 'NoSystemd'
  readonly code = 'no_systemd'
}

async function unit(signal: AbortSignal): Promise<string> {
  const asked = ['show', 'edgeward', `--property=${properties.join(',')}`]
  const { stdout } = await promisify(execFile)('systemctl', asked, { signal }).catch((cause) => {
    throw new NoSystemd(String(cause.stderr ?? '').trim() || 'systemctl did not answer', { cause })
  })
  return stdout
}

async function processOf(stateDir: string): Promise<string> {
  const holder = await lockHolder(stateDir)
  if (!holder) return 'no process holds the state\n'
  const { pid, isSuspended } = holder
  const [status, limits, pressure] = await Promise.all(
    [`/proc/${pid}/status`, `/proc/${pid}/limits`, '/proc/pressure/io'].map(text),
  )
  const suspended = isSuspended ? 'it was stopped by a signal\n' : ''
  return [`process ${pid}\n${suspended}`, status, limits, pressure].filter(Boolean).join('\n')
}
