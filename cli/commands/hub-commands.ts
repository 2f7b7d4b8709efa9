import type { Command } from 'commander'
import { systemClock } from '../../core/clock.ts'
import { type ExitCode, Invalid } from '../../core/errors.ts'
import { isFinal } from '../../protocol/command-states.ts'
import { commandKinds } from '../../protocol/commands.ts'
import { type CommonOptions, type Context, createContext } from '../context.ts'
import { durationOf } from '../input.ts'
import { columns, fields, print, when } from '../output.ts'

interface Sent {
  id: string
  agent: string
  kind: string
  state: string
  askedBy: string
  createdAt: string
  expiresAt: string
  changedAt: string
  code?: string
  reason?: string
  late?: string
  result?: unknown
}

interface Asked {
  agent: string
  param: string[]
  deadline?: string
  wait?: true
}

const contextOf = (command: Command): Context =>
  createContext('hub', command.optsWithGlobals<CommonOptions>())

/** What boxes are asked to do. */
export function hubCommandCommands(hub: Command): void {
  const command = hub.command('command').description('what boxes are asked to do')
  command
    .command('send <kind>')
    .description(
      `ask a box, which must allow it (agent.remote_commands): ${commandKinds.slice(0, -1).join(', ')} or ${commandKinds.at(-1)}`,
    )
    .requiredOption('--agent <agent>', 'id or name')
    .option('--param <name=value>', 'e.g. lines=200 for log; may be repeated', collect, [])
    .option('--deadline <duration>', 'when it ends if nothing has become of it, e.g. 5m; up to 7d')
    .option('--wait', 'until it has ended')
    .action(async (kind: string, { agent, param, deadline, wait }: Asked, of: Command) => {
      const context = contextOf(of)
      const sent = await context.operate<Sent & { serves: boolean }>('command.send', {
        ...{ agent, kind, params: paramsOf(param) },
        ...(deadline === undefined ? {} : { deadlineMs: durationOf(deadline, '--deadline') }),
      })
      const { serves, ...shown } = sent
      if (wait && serves) return showEnd(context, await ended(context, shown))
      if (wait) process.stderr.write('edgeward: the hub does not run; the command waits for it\n')
      print(context.json, shown, () => `${shown.id}  ${shown.state}, until ${when(at(shown.expiresAt))}`)
      if (wait) process.exitCode = 5
    })
  command
    .command('list')
    .description('commands of an agent, the newest first')
    .requiredOption('--agent <agent>', 'id or name')
    .action(async ({ agent }: Asked, of: Command) => {
      const context = contextOf(of)
      const commands = await context.operate<Sent[]>('command.list', { agent })
      const rows = commands.map(({ id, kind, state, createdAt, askedBy, reason }) => [
        ...[id, kind, state, when(at(createdAt)), askedBy, reason],
      ])
      const headings = ['ID', 'KIND', 'STATE', 'SINCE', 'ASKED BY', 'REASON']
      print(context.json, commands, () => columns(headings, rows, 'no commands'))
    })
  command
    .command('show <id>')
    .description('one command, and what the box has answered')
    .action(async (id: string, _options: object, of: Command) => {
      const context = contextOf(of)
      const shown = await context.operate<Sent>('command.show', { id })
      print(context.json, shown, () => describe(shown))
    })
  command
    .command('cancel <id>')
    .description('end a command that was not sent yet')
    .action(async (id: string, _options: object, of: Command) => {
      const context = contextOf(of)
      print(context.json, await context.operate<Sent>('command.cancel', { id }), 'cancelled')
    })
}

const collect = (value: string, before: string[]): string[] => [...before, value]
const at = (time: string): number => Date.parse(time)

/** "lines=200": a number or a truth value where it reads as one. */
function paramsOf(given: readonly string[]): Record<string, unknown> {
  const pairs = given.map((text): [string, unknown] => {
    const [, name, value] = /^([A-Za-z]\w*)=(.*)$/.exec(text) ?? []
    if (name === undefined || value === undefined)
      throw new Invalid(`--param ${text} is not name=value`, { cure: 'For example --param lines=200.' })
    return [name, /^(true|false|-?\d{1,15})$/.test(value) ? JSON.parse(value) : value]
  })
  return Object.fromEntries(pairs)
}

const lookEveryMs = 300

/** Tells on stderr how it goes. */
async function ended(context: Context, sent: Sent): Promise<Sent> {
  let told = ''
  for (;;) {
    const shown = await context.operate<Sent>('command.show', { id: sent.id })
    if (shown.state !== told) process.stderr.write(`${shown.id}  ${shown.kind}  ${shown.state}\n`)
    told = shown.state
    if (isFinal(shown.state)) return shown
    await systemClock.sleep(lookEveryMs)
  }
}

const exitCodes: Readonly<Record<string, ExitCode>> = { failed: 1, rejected: 4, expired: 5, cancelled: 5 }

function showEnd({ json }: Context, shown: Sent): void {
  print(json, shown, () => describe(shown))
  const code = exitCodes[shown.state]
  if (code !== undefined) process.exitCode = code
}

function describe({ result, ...shown }: Sent): string {
  const facts = fields([
    ...(['id', 'agent', 'kind', 'state'] as const).map((label) => [label, shown[label]] as const),
    ['asked by', shown.askedBy],
    ['since', when(at(shown.createdAt))],
    ['until', when(at(shown.expiresAt))],
    ['changed', when(at(shown.changedAt))],
    ['reason', shown.reason],
    ['late', shown.late === undefined ? undefined : `the box said ${shown.late} after that`],
  ])
  return result === undefined ? facts : `${facts}\n\n${JSON.stringify(result, null, 2)}`
}
