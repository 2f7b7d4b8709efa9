import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { callControl, controlSocket } from '../../core/control.ts'
import { EdgeError } from '../../core/errors.ts'
import { openNetwork } from '../../core/net/index.ts'
import { ownCommand } from '../../core/program.ts'
import type { Places } from '../../main.ts'
import { createDaemonView, patienceMs } from '../doctor/daemon-view.ts'
import { asJson, type Part } from './part.ts'
import { createPseudonyms } from './persons.ts'

export interface AskedConfig {
  places: Places
  /** Options that name configuration and state, as they were given to this command. */
  options: readonly string[]
  /** Undefined where it is at fault. */
  config: Config | undefined
  sinceAt: number
}

const largest = 32 * 1024 * 1024
const mostEntries = 1_000

class Unanswered extends EdgeError {
  override readonly name = 'Unanswered'
  readonly code = 'unanswered'
}

/** Who is asked: the daemon while it runs, a command of this program while it does not, nobody while it hangs. */
interface Asking {
  operation(name: string, params: object, signal: AbortSignal): Promise<unknown>
  /** In a process of its own, so that what hangs can be ended. Gives what it says with --json. */
  command(words: readonly string[], signal: AbortSignal): Promise<string>
  isRunning(): Promise<boolean>
  /** URL of its admin listener. */
  admin(): Promise<string>
}

/** What the box says of itself. */
export function askedParts(config: AskedConfig): Part[] {
  const asking = createAsking(config)
  const either =
    (running: Part['collect'], stopped: Part['collect']): Part['collect'] =>
    async (signal) =>
      (await asking.isRunning()) ? running(signal) : stopped(signal)
  const orOnDisk =
    (running: Part['collect'], name: string): Part['collect'] =>
    async (signal) =>
      (await asking.isRunning().catch(() => false))
        ? running(signal)
        : ((await ownText(join(config.places.stateDir, name))) ?? '[]\n')
  const operation =
    (name: string, params: object = {}): Part['collect'] =>
    async (signal) =>
      asJson(await asking.operation(name, params, signal))
  const command =
    (...words: string[]): Part['collect'] =>
    async (signal) =>
      asJson(JSON.parse(await asking.command(words, signal)))
  return [
    { path: 'doctor.json', about: 'what is wrong and what to do', collect: command('doctor') },
    {
      path: 'status.json',
      about: 'identity, uplink, sources, outbox, time',
      collect: either(operation('agent.status'), command('status')),
    },
    {
      path: 'configuration.json',
      about: 'the configuration in force, without what its files hold',
      async collect() {
        if (!config.config) throw new Unanswered('the configuration is at fault: doctor.json has it')
        return asJson(config.config)
      },
    },
    {
      path: 'configuration-history.json',
      about: 'which data sources were configured when',
      collect: either(operation('config.history'), command('config', 'history')),
    },
    {
      path: 'alarms.json',
      about: 'alarms, cleared ones too',
      collect: orOnDisk(operation('alarm.list'), 'alarms.json'),
    },
    {
      path: 'events.json',
      about: 'events of the box',
      collect: orOnDisk(operation('event.list'), 'events.json'),
    },
    {
      path: 'loss-ledger.json',
      about: 'readings that did not arrive, and why',
      collect: either(operation('agent.gaps', { limit: mostEntries }), command('status', '--gaps')),
    },
    {
      path: 'audit.jsonl',
      about: 'security events, names and addresses replaced, details left out',
      collect: async (signal) => withoutPersons(await audit(asking, config.sinceAt, signal)),
    },
    {
      path: 'metrics.txt',
      about: 'figures of the running daemon',
      async collect() {
        const { body } = await openNetwork().http({ method: 'GET', url: `${await asking.admin()}/metrics` })
        return body.toString()
      },
    },
  ]
}

/** Not by a link, which the owner of the state could lay to what root alone can read. */
const ownText = (path: string): Promise<string | undefined> =>
  readFile(path, { encoding: 'utf8', flag: constants.O_RDONLY | constants.O_NOFOLLOW }).catch((error) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })

function createAsking({ places, options }: AskedConfig): Asking {
  const { answer, described } = createDaemonView(places)
  return {
    async isRunning() {
      const said = await answer()
      if (said === 'silent') throw new Unanswered(`the daemon did not answer within ${patienceMs / 1000} s`)
      return said !== 'nobody'
    },
    async operation(name, params, signal) {
      const said = await callControl(controlSocket(places), name, params, signal)
      if (!said) throw new Unanswered('the daemon ended while it was asked')
      return said.result
    },
    command: (words, signal) => output([...words, '--json', ...options], signal),
    async admin() {
      const url = (await described())?.addresses.admin
      if (url === undefined) throw new Unanswered('the daemon does not run, or does not answer')
      return url
    },
  }
}

/** The newest entries, the newest first. */
async function audit(asking: Asking, since: number, signal: AbortSignal): Promise<object[]> {
  if (!(await asking.isRunning())) {
    const from = new Date(since).toISOString()
    const said = await asking.command(['audit', '--limit', String(mostEntries), '--since', from], signal)
    return said
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }
  const entries: object[] = []
  for (let before: number | undefined; entries.length < mostEntries; ) {
    const asked = { since, limit: 100, ...(before === undefined ? {} : { before }) }
    const page = (await asking.operation('audit.list', asked, signal)) as { entries: object[]; next?: number }
    entries.push(...page.entries)
    before = page.next
    if (before === undefined) break
  }
  return entries
}

function withoutPersons(entries: readonly { detail?: unknown }[]): string {
  const replaced = createPseudonyms()
  return entries.map(({ detail: _, ...entry }) => `${JSON.stringify(replaced(entry))}\n`).join('')
}

/** What a command said on its standard output, also when it says that something is wrong. */
function output(words: readonly string[], signal: AbortSignal): Promise<string> {
  const { file, args } = ownCommand()
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const options = { signal, maxBuffer: largest, killSignal: 'SIGKILL' as const }
  const child = execFile(file, [...args, ...words], options, (error, stdout, stderr) => {
    if (signal.aborted) reject(signal.reason)
    else if (error && (error.killed || stdout === '' || stdout.startsWith('{"error":')))
      reject(new Unanswered(stderr.trim() || error.message, { cause: error }))
    else resolve(stdout)
  })
  child.stdin?.end()
  return promise
}
