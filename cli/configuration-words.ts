import type { ConfigurationStatus } from '../agent/index.ts'
import type { AgentReport } from '../protocol/agent-report.ts'

type Field = readonly [label: string, value: string | undefined]

/** What is measured on this box, and what became of the newest configuration. */
export function describeConfiguration(status: ConfigurationStatus): Field[] {
  const { configurationId, eTag, dataSources, tried, faults = [], files = [], overridden = [] } = status
  const hub = configurationId === undefined ? 'none of the hub yet' : `${configurationId} (eTag ${eTag})`
  const local = files.length === 0 ? '' : `, and ${files.length} local files`
  return [
    ['configuration', `${hub}${local}: ${dataSources} data sources`],
    ...faults.map((fault) => ['  refused', fault] as const),
    ...(tried && tried.state !== 'refused' ? describeTried(tried) : []),
    ...overridden.map((name) => ['  given way', `"${name}" of the hub, to the local one`] as const),
  ]
}

function describeTried({
  number,
  origin,
  state,
  reason,
  faults = [],
}: NonNullable<ConfigurationStatus['tried']>) {
  const what = `version ${number} ${origin === 'hub' ? 'of the hub' : origin === 'local' ? 'of the local files' : 'gone back to'}`
  if (state === 'trial') return [['  on trial', `${what}; "edgeward config trial" shows it`]] as const
  return [
    ['  reverted', `${what} was reverted: ${reason}`] as const,
    ...faults.map((fault) => ['    since', faultText(fault)] as const),
  ]
}

/** What a box told the hub. */
export function describeReported(configuration: AgentReport['configuration']): Field[] {
  if (!configuration) return []
  const { state, configurationId, eTag, tried, reason, faults = [] } = configuration
  const inForce = configurationId === undefined ? 'nothing of the hub' : `${configurationId} (eTag ${eTag})`
  const newest = tried === undefined ? '' : `, the newest has eTag ${tried}`
  return [
    ['configuration', `${state}${reason === undefined ? '' : `: ${reason}`}`],
    ['  in force', `${inForce}${newest}`],
    ...faults.map((fault) => ['  since', faultText(fault)] as const),
  ]
}

const faultText = ({ source, fault }: { source?: string; fault: string }): string =>
  source === undefined ? fault : `${source}: ${fault}`
