import { connect } from 'node:net'
import { type Check, type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'
import { release } from '../../core/release.ts'
import type { Places } from '../../main.ts'
import { type Answer, type DaemonView, type Described, patienceMs } from './daemon-view.ts'
import type { Holder } from './lock-holder.ts'
import { processName } from './processes.ts'

/** The process that owns the state directory, seen from outside. */
export function ownerCheck(places: Places, { holder, answer }: DaemonView): Check {
  return {
    id: 'owner',
    title: 'owner of the state',
    run: async () => describeOwner(await holder, await answer(), places),
  }
}

export function daemonChecks({ holder, answer, described }: DaemonView): Check[] {
  return [
    {
      id: 'daemon',
      title: 'daemon',
      needs: ['owner', 'ports'],
      run: async () => describeDaemon(await holder, await answer()),
    },
    {
      id: 'daemon.listeners',
      title: 'listeners of the box',
      needs: ['daemon'],
      async run(signal) {
        const said = await described()
        return said ? knockAtAll(said, signal) : skipped('the daemon did not say them')
      },
    },
    {
      id: 'daemon.release',
      title: 'release that runs',
      needs: ['daemon'],
      run: async () => describeRelease(await described()),
    },
  ]
}

function describeOwner(
  holder: Holder | undefined,
  answer: Answer,
  { stateDir, runtimeDir }: Places,
): Finding {
  if (!holder) return ok(answer === 'nobody' ? 'no process uses it' : 'the daemon')
  const facts = { pid: holder.pid, command: holder.command }
  if (answer === 'nobody')
    return failed(
      `${processName(holder)} holds ${stateDir}, and serves no control socket in ${runtimeDir}`,
      `If it is a second instance, or one with another runtime directory, stop it ("kill ${holder.pid}"); the daemon cannot start beside it.`,
      facts,
    )
  return ok(processName(holder), facts)
}

function describeDaemon(holder: Holder | undefined, answer: Answer): Finding {
  if (answer === 'nobody')
    return failed(
      'it does not run',
      'Start it: "systemctl start edgeward", or "edgeward run"; if it ends at once, its log says why ("journalctl -u edgeward").',
    )
  if (answer === 'silent') {
    const who = holder ? processName(holder) : 'the daemon'
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

function describeRelease(said: Described | undefined): Finding {
  if (said?.release === undefined) return skipped('the daemon does not tell its release')
  const facts = { running: said.release, installed: release }
  if (said.release === release) return ok(`${release}, as installed`, facts)
  return warning(
    `${said.release} runs, and ${release} is installed`,
    'Restart the daemon: "systemctl restart edgeward".',
    facts,
  )
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
