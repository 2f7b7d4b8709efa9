import { connect } from 'node:net'
import { callControl, controlSocket } from '../../core/control.ts'
import { type Check, type Finding, failed, ok, skipped } from '../../core/diagnosis.ts'
import type { Places } from '../../main.ts'
import { type Holder, lockHolder } from './lock-holder.ts'

/** What a running daemon says of itself: `gateway.describe`. */
export interface Described {
  pid: number
  /** URLs by the names of the ready line. */
  addresses: Readonly<Record<string, string>>
}

/** A healthy daemon answers within milliseconds; a busy small one within a second. */
const patienceMs = 3_000

/** The process that owns the state directory, seen from outside. */
export function daemonChecks(places: Places): Check[] {
  const holder = lockHolder(places.stateDir)
  let described: Promise<Answer> | undefined
  const answer = () => {
    described ??= describe(places)
    return described
  }
  return [
    {
      id: 'owner',
      title: 'owner of the state',
      run: async () => describeOwner(await holder, await answer(), places),
    },
    {
      id: 'daemon',
      title: 'daemon',
      needs: ['owner'],
      run: async () => describeDaemon(await holder, await answer()),
    },
    {
      id: 'daemon.listeners',
      title: 'listeners of the box',
      needs: ['daemon'],
      async run(signal) {
        const said = await answer()
        return typeof said === 'string' ? skipped('the daemon did not say them') : knockAtAll(said, signal)
      },
    },
  ]
}

type Answer = Described | 'nobody' | 'silent'

async function describe(places: Places): Promise<Answer> {
  try {
    const answer = await callControl(
      controlSocket(places),
      'gateway.describe',
      {},
      AbortSignal.timeout(patienceMs),
    )
    return answer ? (answer.result as Described) : 'nobody'
  } catch (error) {
    if ((error as Error).name === 'TimeoutError' || (error as Error).name === 'AbortError') return 'silent'
    throw error
  }
}

const named = ({ pid, command }: Holder): string =>
  `process ${pid}${command === '' ? '' : ` (${command.slice(0, 120)})`}`

function describeOwner(
  holder: Holder | undefined,
  answer: Answer,
  { stateDir, runtimeDir }: Places,
): Finding {
  if (!holder) return ok(answer === 'nobody' ? 'no process uses it' : 'the daemon')
  const facts = { pid: holder.pid, command: holder.command }
  if (answer === 'nobody')
    return failed(
      `${named(holder)} holds ${stateDir}, and serves no control socket in ${runtimeDir}`,
      `If it is a second instance, or one with another runtime directory, stop it ("kill ${holder.pid}"); the daemon cannot start beside it.`,
      facts,
    )
  return ok(named(holder), facts)
}

function describeDaemon(holder: Holder | undefined, answer: Answer): Finding {
  if (answer === 'nobody')
    return failed(
      'it does not run',
      'Start it: "systemctl start edgeward", or "edgeward run"; if it ends at once, its log says why ("journalctl -u edgeward").',
    )
  if (answer === 'silent') {
    const who = holder ? named(holder) : 'the daemon'
    return failed(
      `${who} did not answer on its control socket within ${patienceMs / 1000} s${holder?.isSuspended ? ': it was stopped by a signal' : ''}`,
      holder?.isSuspended
        ? `Let it go on: "kill -CONT ${holder.pid}".`
        : 'See its log and the load of the box, then restart it: "systemctl restart edgeward".',
      holder && { pid: holder.pid, isSuspended: holder.isSuspended },
    )
  }
  return ok(`answers, process ${answer.pid}`, { ...answer })
}

async function knockAtAll({ addresses }: Described, signal: AbortSignal): Promise<Finding> {
  const urls = Object.values(addresses)
  const answers = await Promise.all(urls.map((url) => knock(new URL(url), signal)))
  const silent = urls.filter((_url, at) => !answers[at])
  if (silent.length > 0)
    return failed(
      `nothing takes connections on ${silent.join(', ')}`,
      'See the log of the daemon, then restart it: "systemctl restart edgeward".',
      { addresses },
    )
  return ok(urls.join(', '), { addresses })
}

/** Listeners of this box only, so no part of the network layer: an address that is bound to all is local too. */
function knock({ hostname, port }: URL, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const host = hostname.replace(/^\[|\]$/g, '')
  const socket = connect({ host, port: Number(port), signal, timeout: patienceMs })
  socket.once('connect', () => resolve(true))
  socket.once('timeout', () => resolve(false))
  socket.once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}
