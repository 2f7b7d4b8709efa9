import { type Check, type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'
import type { Alarm } from '../alarms.ts'
import type { ConfigurationStatus } from '../configuration/index.ts'
import type { FlashStatus } from '../flash.ts'
import type { IdentityStatus } from '../identity.ts'
import type { OutboxStatus } from '../outbox-view.ts'
import type { SourceStatus } from '../sources/index.ts'
import type { UplinkStatus } from '../uplink/index.ts'
import { describeAlarms, isOfOutbox } from './alarms.ts'
import { age, describeFlash, describeOutbox } from './outbox.ts'
import { describeSources } from './sources.ts'

interface Live {
  identity: IdentityStatus
  uplink: UplinkStatus
  outbox: OutboxStatus
  flash: FlashStatus
  alarms: Alarm[]
  sources: SourceStatus[]
  configuration: ConfigurationStatus
}

export interface LiveView {
  ask: Ask
  isOnboarded(): Promise<boolean>
  clock: { now(): number }
}

/** Asks the running daemon; rejects with the `EdgeError` that the operation threw. */
export type Ask = (operation: string, signal: AbortSignal) => Promise<unknown>

/** What only the running daemon can know. They need the check `daemon`. */
export function liveChecks({ ask, isOnboarded, clock }: LiveView): Check[] {
  const status = async (signal: AbortSignal) => (await ask('agent.status', signal)) as Live
  const onceOnboarded = (id: string, title: string, needs: string[], run: Check['run']): Check => ({
    id,
    title,
    needs: ['daemon', 'identity', ...needs],
    run: async (signal) =>
      (await isOnboarded()) ? run(signal) : skipped('the hub has not taken this box in yet'),
  })
  return [
    onceOnboarded('identity.accepted', 'credential at the hub', ['hub.http'], async (signal) => {
      await ask('identity.check', signal)
      return ok('the hub gave an access token for it')
    }),
    {
      id: 'identity.attempt',
      title: 'last attempt at the hub',
      needs: ['daemon', 'hub.http', 'identity.accepted'],
      run: async (signal) => describeAttempt((await status(signal)).identity),
    },
    onceOnboarded(
      'configuration.sources',
      'data source configuration',
      ['identity.accepted'],
      async (signal) => describeConfiguration((await status(signal)).configuration),
    ),
    onceOnboarded('uplink', 'delivery to the hub', ['identity.accepted', 'hub.mqtt'], async (signal) =>
      describeUplink(await status(signal), clock.now()),
    ),
    {
      id: 'outbox',
      title: 'readings that wait',
      needs: ['daemon'],
      async run(signal) {
        const { outbox, alarms } = await status(signal)
        return describeOutbox(outbox, alarms.filter(isOfOutbox), clock.now())
      },
    },
    {
      id: 'alarms',
      title: 'other alarms',
      needs: ['daemon'],
      run: async (signal) => describeAlarms((await status(signal)).alarms),
    },
    {
      id: 'sources',
      title: 'devices in the field',
      needs: ['daemon'],
      run: async (signal) => describeSources((await status(signal)).sources),
    },
    {
      id: 'flash',
      title: 'wear of the flash',
      needs: ['daemon'],
      run: async (signal) => describeFlash((await status(signal)).flash),
    },
  ]
}

/** What the hub answered to the last onboarding or rotation, which the state on disk does not tell. */
function describeAttempt({ reason }: IdentityStatus): Finding {
  if (reason === undefined) return ok('onboarding and rotation had no trouble')
  return warning(reason, 'If the hub refused, get a new boarding file and run "edgeward onboard FILE".')
}

function describeConfiguration(status: ConfigurationStatus): Finding {
  const { configurationId, eTag, faults, reason, tried, dataSources } = status
  if (faults)
    return warning(
      `the newest one was refused, the one before stays in force: ${faults.join('; ')}`,
      'Correct it at the hub ("edgeward hub agent configure ID FILE"); the box fetches it by itself.',
      { faults },
    )
  if (reason !== undefined)
    return warning(reason, 'The box tries again by itself; see what keeps it from the hub.')
  if (tried?.state === 'reverted')
    return warning(
      `version ${tried.number} was reverted: ${tried.reason}`,
      '"edgeward config history" says what did not read. Mend that, then "edgeward config revert N" tries it again.',
      { tried },
    )
  if (configurationId === undefined && dataSources > 0)
    return ok(`${dataSources} data sources of local files are in force`)
  if (configurationId === undefined)
    return warning(
      'the hub has none for this box, so nothing is measured',
      'Give it one: "edgeward hub agent configure ID FILE".',
    )
  return ok(`${configurationId} is in force`, { configurationId, eTag })
}

/** Acknowledgements take seconds; a connection that has been silent for longer while readings wait is ill. */
const silenceMs = 120_000

function describeUplink({ uplink, outbox }: Live, now: number): Finding {
  const { state, reason, target, lastAckAt } = uplink
  const facts = { state, ...(lastAckAt === undefined ? {} : { lastAckAt }) }
  const last =
    lastAckAt === undefined ? 'none acknowledged yet' : `last acknowledgement ${age(now - lastAckAt)} ago`
  if (state === 'disconnected')
    return failed(
      `not connected to ${target}: ${reason}`,
      'The box connects again by itself; readings are kept meanwhile. See the checks above for the way to the hub.',
      facts,
    )
  if (state !== 'connected')
    return warning(
      reason ?? `${state}${target === undefined ? '' : ` to ${target}`}`,
      'Look again in a few seconds.',
      facts,
    )
  if (outbox.batches > 0 && now - (lastAckAt ?? now) > silenceMs)
    return warning(`connected, but ${last}`, 'See the log of the hub.', facts)
  return ok(`connected to ${target}; ${last}`, facts)
}
