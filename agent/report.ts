import { release } from '../core/release.ts'
import type { AgentReport, AuditHead } from '../protocol/agent-report.ts'
import { type DeviceEvent, severities } from '../protocol/alarm.ts'
import type { Alarm } from './alarms.ts'
import type { FlashStatus } from './flash.ts'
import type { OutboxStatus } from './outbox-view.ts'
import type { SourceStatus } from './sources/index.ts'

export interface Reported {
  time: number
  outbox: OutboxStatus
  flash: FlashStatus
  sources: readonly SourceStatus[]
  /** The newest first, as the events; cleared ones too. */
  alarms: readonly Alarm[]
  events: readonly DeviceEvent[]
  audit: AuditHead | undefined
  configuration?: AgentReport['configuration']
}

/** A report is one message. */
const maxAlarms = 100
const maxEvents = 30
const maxFaults = 30
const maxText = 300

/** What the hub is told of the box. */
export function agentReport(reported: Reported): AgentReport {
  const { time, outbox, flash, sources, events, audit, configuration } = reported
  const { readings, bytes, oldestAt, lost } = outbox
  const { deviceBytesPerDay: bytesPerDay, years } = flash
  return {
    time,
    release,
    outbox: { readings, bytes, ...(oldestAt === undefined ? {} : { oldestAt }), lost: { ...lost } },
    ...(bytesPerDay === undefined
      ? {}
      : { flash: { bytesPerDay, ...(years === undefined ? {} : { years }) } }),
    sources: sources.map(({ name, state, reason }) => ({ name, state, ...(reason ? { reason } : {}) })),
    ...(configuration ? { configuration: { ...configuration, ...faultsOf(configuration) } } : {}),
    ...alarmsOf(reported.alarms),
    events: events.slice(0, maxEvents).map((event) => ({ ...event, text: event.text.slice(0, maxText) })),
    ...(audit === undefined ? {} : { audit }),
  }
}

function faultsOf({ faults }: NonNullable<AgentReport['configuration']>) {
  if (!faults) return {}
  const told = faults.slice(0, maxFaults)
  return { faults: told.map((each) => ({ ...each, fault: each.fault.slice(0, maxText) })) }
}

/** The worst of those that stand, and the newest of the others. */
function alarmsOf(alarms: readonly Alarm[]): Pick<AgentReport, 'alarms' | 'moreAlarms'> {
  const rank = ({ severity, clearedAt }: Alarm) =>
    clearedAt === undefined ? severities.indexOf(severity) : severities.length
  const told = alarms.toSorted((one, other) => rank(one) - rank(other)).slice(0, maxAlarms)
  return {
    alarms: told.map((alarm) => ({ ...alarm, message: alarm.message.slice(0, maxText) })),
    ...(told.length < alarms.length ? { moreAlarms: alarms.length - told.length } : {}),
  }
}
