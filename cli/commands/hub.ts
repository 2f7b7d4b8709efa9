import { open, rm } from 'node:fs/promises'
import type { Command } from 'commander'
import type { AgentReport } from '../../protocol/agent-report.ts'
import { type SecurityProfile, securityProfiles } from '../../protocol/boarding.ts'
import { describeReported } from '../configuration-words.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { readDocument } from '../input.ts'
import { columns, fields, print, when } from '../output.ts'
import { serve } from '../serve.ts'
import { hubBackupCommands } from './backup.ts'
import { hubAlarmCommands } from './hub-alarms.ts'
import { hubAppCommands } from './hub-apps.ts'
import { hubCommandCommands } from './hub-commands.ts'

interface ServiceCredential {
  tenant: string
  client_id: string
  client_secret: string
  url?: string
}

interface Agent {
  id: string
  name: string
  tenant: string
  profile: SecurityProfile
  boardingStatus: string
  online: boolean
}

interface Boarding {
  id: string
  name: string
  boarding: object
}

interface Page {
  readings: { pointId: string; time: string; value: unknown; quality: number }[]
  next?: string
}

export function hubCommands(program: Command): void {
  const hub = program.command('hub').description('the cloud side; without a further command it serves')
  hub
    .option('--strict-rat', 'end older credentials at once at a rotation, as hub.rat_policy = "strict" does')
    .action(({ strictRat }: { strictRat?: boolean }, command: Command) =>
      serve(contextOf(command, strictRat ? { EDGEWARD_HUB_RAT_POLICY: 'strict' } : {})),
    )

  hub
    .command('init')
    .description('make the first tenant and its service credentials, printed once')
    .option('--tenant <name>', 'name of the tenant', 'default')
    .action(async ({ tenant }: { tenant: string }, command: Command) =>
      showCredential(command, 'init', { tenant }),
    )

  const tenant = hub.command('tenant').description('tenants of the hub')
  tenant
    .command('add <name>')
    .description('add a tenant; its service credentials are printed once')
    .action((name: string, _options, command: Command) => showCredential(command, 'tenant.add', { name }))
  tenant
    .command('credential <name>')
    .description('make further service credentials for a tenant, printed once')
    .action((name: string, _options, command: Command) =>
      showCredential(command, 'tenant.credential', { name }),
    )
  tenant
    .command('revoke <client-id>')
    .description('end service credentials; tokens that they got end too')
    .action((client_id: string, _options, command: Command) =>
      change(command, 'tenant.revoke', { client_id }, `${client_id} revoked`),
    )
  tenant
    .command('list')
    .description('list the tenants')
    .action(async (_options, command: Command) => {
      const context = contextOf(command)
      const tenants = await context.operate<{ name: string; client_ids: string[] }[]>('tenant.list')
      const rows = tenants.map(({ name, client_ids }) => [name, client_ids.join(', ')])
      print(context.json, tenants, () => columns(['TENANT', 'CLIENT IDS'], rows, 'no tenants'))
    })

  agentCommands(hub)
  hubAlarmCommands(hub)
  hubCommandCommands(hub)
  hubAppCommands(hub)
  hubBackupCommands(hub)
  dataCommand(hub)
}

const contextOf = (command: Command, settings: Record<string, string> = {}) =>
  createContext('hub', command.optsWithGlobals<CommonOptions>(), settings)

async function showCredential(command: Command, operation: string, params: object): Promise<void> {
  const context = contextOf(command)
  const credential = await context.operate<ServiceCredential>(operation, params)
  print(context.json, credential, () =>
    fields([
      ['tenant', credential.tenant],
      ['client id', credential.client_id],
      ['client secret', `${credential.client_secret}  (shown once)`],
      ['url', credential.url],
    ]),
  )
}

function agentCommands(hub: Command): void {
  const agent = hub.command('agent').description('agents: the boxes a tenant knows')
  agent
    .command('create')
    .description('create an agent and write its boarding configuration')
    .requiredOption('--name <name>', 'name, unique in the tenant')
    .option('--profile <profile>', `how it proves itself: ${securityProfiles.join(' or ')}`, 'RSA_3072')
    .option('--tenant <tenant>', 'tenant, where there are several')
    .option('--out <file>', 'write the boarding configuration here instead of standard output')
    .action(async ({ out, ...params }: { name: string; profile: string; out?: string }, command: Command) =>
      writeBoarding(command, 'agent.create', params, out),
    )
  agent
    .command('boarding <agent>')
    .description('write the boarding configuration of an agent again')
    .option('--out <file>', 'write it here instead of standard output')
    .action(async (id: string, { out }: { out?: string }, command: Command) =>
      writeBoarding(command, 'agent.boarding', { id }, out),
    )
  agent
    .command('list')
    .description('list the agents')
    .option('--tenant <tenant>', 'of one tenant')
    .action(async (params: { tenant?: string }, command: Command) => {
      const context = contextOf(command)
      const agents = await context.operate<Agent[]>('agent.list', params)
      const rows = agents.map((a) => [
        a.id,
        a.name,
        a.tenant,
        a.profile,
        a.boardingStatus,
        a.online ? 'online' : 'offline',
      ])
      print(context.json, agents, () =>
        columns(['ID', 'NAME', 'TENANT', 'PROFILE', 'BOARDING', 'LINK'], rows, 'no agents'),
      )
    })
  agent
    .command('show <agent>')
    .description('one agent, by id or name')
    .action((id: string, _options, command: Command) =>
      show(command, 'agent.show', { id }, ({ report }) =>
        describeReported((report as Pick<AgentReport, 'configuration'> | null)?.configuration),
      ),
    )
  agent
    .command('configure <agent> <file>')
    .description('set the data source configuration of an agent; - reads standard input')
    .action(async (id: string, file: string, _options, command: Command) => {
      const context = contextOf(command)
      const configuration = await readDocument(file)
      const result = await context.operate<{ id: string; eTag: string }>('agent.configure', {
        id,
        configuration,
      })
      print(context.json, result, `configured; eTag ${result.eTag}`)
    })
  agent
    .command('configuration <agent>')
    .description('the data source configuration of an agent')
    .action((id: string, _options, command: Command) => show(command, 'agent.configuration', { id }))
  agent
    .command('offboard <agent>')
    .description('end the credentials of an agent; a new boarding configuration takes it in again')
    .action((id: string, _options, command: Command) =>
      change(command, 'agent.offboard', { id }, 'offboarded'),
    )
  agent
    .command('remove <agent>')
    .description('remove an agent with its readings')
    .action((id: string, _options, command: Command) => change(command, 'agent.remove', { id }, 'removed'))
}

async function writeBoarding(
  command: Command,
  operation: string,
  params: object,
  out?: string,
): Promise<void> {
  const context = contextOf(command)
  // Opened first: root may go on as the owner of the hub's state, and an agent whose file cannot be written
  // is better not made.
  await using file = out === undefined ? undefined : await open(out, 'a', 0o600)
  await file?.chmod(0o600)
  const { boarding, id, name } = await context.operate<Boarding>(operation, params).catch(async (error) => {
    if (out !== undefined && (await file?.stat())?.size === 0) await rm(out).catch(() => {})
    throw error
  })
  if (file === undefined) return print(true, { id, name, ...boarding }, '')
  await file.truncate()
  await file.writeFile(`${JSON.stringify(boarding, null, 2)}\n`)
  await file.sync()
  print(context.json, { id, name, out }, `agent ${name} (${id}): boarding configuration written to ${out}`)
}

type Told = Record<string, unknown>

async function show(
  command: Command,
  operation: string,
  params: object,
  more: (result: Told) => (readonly [string, unknown])[] = () => [],
): Promise<void> {
  const context = contextOf(command)
  const result = await context.operate<Told>(operation, params)
  const text = () =>
    fields([
      ...Object.entries(result).map(([label, value]): readonly [string, unknown] => [
        label,
        label.endsWith('At') && typeof value === 'number'
          ? when(value)
          : typeof value === 'object'
            ? JSON.stringify(value)
            : value,
      ]),
      ...more(result),
    ])
  print(context.json, result, text)
}

async function change(command: Command, operation: string, params: object, said: string): Promise<void> {
  const context = contextOf(command)
  const result = await context.operate(operation, params)
  print(context.json, result ?? {}, said)
}

interface Gaps {
  gaps: (Record<string, unknown> & { source?: string; reason: string; since: string; until: string })[]
  balance?: {
    source: string | null
    produced: number
    received: number
    lost: Record<string, number>
    missing: number
  }[]
  next?: string
}

async function printGaps(command: Command, agent: string): Promise<void> {
  const context = contextOf(command)
  let balance: Gaps['balance']
  for (let after: string | undefined; ; ) {
    const page = await context.operate<Gaps>('data.gaps', { agent, after })
    balance ??= page.balance
    for (const gap of page.gaps) {
      const { source = '(all)', reason, since, until, first, last, count = '?' } = gap
      const numbers = first === undefined ? '' : `  no. ${first}-${last}`
      print(context.json, gap, `${since}  ${until}  ${source}  ${reason}  ${count}${numbers}`)
    }
    after = page.next
    if (after === undefined) break
  }
  printBalance(context.json, balance ?? [])
}

function printBalance(json: boolean, balance: NonNullable<Gaps['balance']>): void {
  const lost = (by: Record<string, number>) =>
    Object.entries(by)
      .map(([reason, count]) => `${reason} ${count}`)
      .join(', ')
  const rows = balance.map((of) => [
    of.source ?? '(unknown)',
    of.produced,
    of.received,
    lost(of.lost),
    of.missing,
  ])
  const headings = ['SOURCE', 'PRODUCED', 'RECEIVED', 'LOST', 'MISSING']
  if (json) for (const of of balance) print(true, { balance: of }, '')
  else print(false, {}, () => columns(headings, rows, 'nothing received'))
}

function dataCommand(hub: Command): void {
  hub
    .command('data')
    .description('print the readings that arrived from an agent')
    .requiredOption('--agent <agent>', 'id or name')
    .option('--point <point>', 'only this data point')
    .option('--since <time>', 'only from this time on (ISO 8601)')
    .option('--gaps', 'print instead what did not arrive, and why, with the balance of each source')
    .action(
      async (
        { agent, point, since, gaps }: { agent: string; point?: string; since?: string; gaps?: boolean },
        command: Command,
      ) => {
        if (gaps) return printGaps(command, agent)
        const context = contextOf(command)
        for (let after: string | undefined; ; ) {
          const page = await context.operate<Page>('data.query', { agent, point, since, after })
          for (const { pointId, time, value, quality } of page.readings)
            print(
              context.json,
              { pointId, time, value, quality },
              `${time}  ${pointId}  ${value}  ${quality === 0 ? 'Good' : `0x${quality.toString(16).padStart(8, '0')}`}`,
            )
          after = page.next
          if (after === undefined) return
        }
      },
    )
}
