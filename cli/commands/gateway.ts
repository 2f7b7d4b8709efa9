import type { Command } from 'commander'
import type { GapPage, Inventory } from '../../agent/index.ts'
import { systemClock } from '../../core/clock.ts'
import { type CommonOptions, type Context, createContext } from '../context.ts'
import { describeGaps } from '../delivery.ts'
import { print } from '../output.ts'
import { serve } from '../serve.ts'
import { type AgentStatus, describeStatus } from '../status.ts'

export function gatewayCommands(program: Command): void {
  program
    .command('run')
    .description('run the gateway daemon')
    .action((_options, command: Command) =>
      serve(createContext('gateway', command.optsWithGlobals<CommonOptions>())),
    )

  program
    .command('status')
    .description('state of identity, uplink, sources and outbox')
    .option('--gaps', 'the newest rows of the loss ledger instead, with --json all of them')
    .action(async ({ gaps }: { gaps?: true }, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      if (gaps) return printGaps(context)
      const status = await context.operate<AgentStatus>('agent.status')
      const inventory = await context.operate<Inventory>('agent.inventory')
      print(context.json, { ...status, inventory }, () =>
        describeStatus(status, inventory, systemClock.now()),
      )
    })
}

async function printGaps({ json, operate }: Context): Promise<void> {
  const shown = await operate<GapPage>('agent.gaps')
  const all = [...shown.gaps]
  for (let { next: before } = shown; json && before !== undefined; ) {
    const page = await operate<GapPage>('agent.gaps', { before, limit: 1_000 })
    all.push(...page.gaps)
    before = page.next
  }
  print(json, { gaps: all, sources: shown.sources }, () => describeGaps(shown))
}
