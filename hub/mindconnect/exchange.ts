import type { Clock } from '../../core/clock.ts'
import { NotFound } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { parseTimestamp } from '../../protocol/timestamp.ts'
import type { Agents } from '../agents.ts'
import type { Agent, Registry } from '../registry/index.ts'
import type { ReadingStore } from '../store/index.ts'
import type { DiagnosticMessage, EventRow, Kept, RecoverableRecord, Uploads } from '../uploads/index.ts'
import { type BusinessEvent, type Item, readTimeSeries, type TimeSeriesRecord } from './items.ts'
import { type Sorted, sortRecords } from './time-series.ts'

/** Takes in what agents upload over HTTP. */
export interface Exchange {
  /**
   * Resolves when all of it is on disk. Time series that cannot be stored are no error: they are kept as
   * a recoverable record.
   */
  receive(sender: Agent, items: readonly Item[], correlationId: string): Promise<void>
  /** The same for time series that came over MQTT. Throws `Invalid` for anything else. */
  takeTimeSeries(agentId: string, payload: Buffer): Promise<void>
  /** Tries a recoverable record again with the configuration that is now in force. Throws `NotFound`. */
  replay(tenant: string, recordId: string): Promise<void>
}

export interface ExchangeDeps {
  registry: Registry
  agents: Agents
  store: ReadingStore
  uploads: Uploads
  clock: Clock
  random: Random
  log: Logger
}

type Series = Extract<Item, { type: 'standardTimeSeries' }>
type Told = Pick<DiagnosticMessage, 'severity' | 'message' | 'source' | 'state'>

export function createExchange({
  registry,
  agents,
  store,
  uploads,
  clock,
  random,
  log,
}: ExchangeDeps): Exchange {
  async function receive(sender: Agent, items: readonly Item[], correlationId: string): Promise<void> {
    const kept: Kept = { events: [], files: [], items: [], records: [], messages: [] }
    const isDiagnosed = await registry.call('isDiagnosed', sender.id)
    const now = clock.now()
    for (const item of items) {
      const told = await take(sender, item, correlationId, kept)
      if (!isDiagnosed) continue
      const { tenant, id: agentId } = sender
      kept.messages.push(
        ...told.map((message) => ({ ...message, tenant, agentId, correlationId, time: now })),
      )
    }
    if (Object.values(kept).some((rows) => rows.length > 0)) await uploads.call('keep', kept, now)
  }

  /** Stores time series and configurations; puts the rest into `kept`. Returns what to tell of it. */
  async function take(sender: Agent, item: Item, correlationId: string, kept: Kept): Promise<Told[]> {
    const { tenant, id: agentId } = sender
    switch (item.type) {
      case 'standardTimeSeries': {
        const sorted = await sort(sender, item)
        await store.overwrite(agentId, sorted.readings)
        if (sorted.refused.length > 0)
          kept.records.push(toRecord(sender, item.configurationId, sorted, correlationId))
        return tellSeries(sorted)
      }
      case 'dataSourceConfiguration':
        await agents.configure(sender, item.update)
        return [accepted('DATASOURCECONFIGURATION', item.update.configurationId)]
      case 'businessEvent':
        for (const event of item.events) kept.events.push(toEvent(sender, event))
        return [accepted('EVENT', `${item.events.length} events`)]
      case 'file': {
        const name = { tenant, entityId: agentId, path: item.fileName }
        const meta = { agentId, type: item.fileType, description: null, createdAt: item.createdAt ?? null }
        kept.files.push({ name, meta, content: new Uint8Array(item.content) })
        return [accepted('FILE', item.fileName)]
      }
      case 'other': {
        const { kind, contentType } = item
        const [details, content] = [JSON.stringify(item.details), new Uint8Array(item.content)]
        kept.items.push({ tenant, agentId, kind, details, contentType, content, receivedAt: clock.now() })
        return [accepted('CUSTOM', kind)]
      }
    }
  }

  function toEvent({ tenant, id: agentId, entityId }: Agent, event: BusinessEvent): EventRow {
    const time = parseTimestamp(event.timestamp) ?? clock.now()
    return { id: event.id ?? random.uuid(), tenant, agentId, entityId, time, document: JSON.stringify(event) }
  }

  /** An upload may have waited at the agent, so it is read with the configuration that it names. */
  async function sort({ id }: Agent, { configurationId, records }: Series): Promise<Sorted> {
    const configuration =
      configurationId === undefined
        ? await registry.call('configuration', id)
        : await registry.call('configurationNamed', id, configurationId)
    if (configuration) return sortRecords(records, configuration.dataSources)
    const reasons = [`the data source configuration ${configurationId} is not known`]
    return { readings: [], refused: records, reasons }
  }

  function toRecord(
    { tenant, id: agentId }: Agent,
    configurationId: string | undefined,
    { refused, reasons }: Sorted,
    correlationId: string,
  ): RecoverableRecord {
    const [id, dropReason] = [random.uuid(), toReason(reasons)]
    log.info({ agentId, recordId: id, reason: dropReason }, 'time series could not be stored')
    return {
      id,
      tenant,
      agentId,
      correlationId,
      requestTime: clock.now(),
      dropReason,
      configurationId: configurationId ?? null,
      records: JSON.stringify(refused),
    }
  }

  return {
    receive,
    async takeTimeSeries(agentId, payload) {
      const items = [readTimeSeries(payload)]
      const sender = await registry.call('findAgent', agentId)
      if (!sender) throw new NotFound('Resource not found.') // removed while it was sending
      await receive(sender, items, random.uuid().replaceAll('-', ''))
    },
    async replay(tenant, recordId) {
      const record = await uploads.call('recoverableRecord', tenant, recordId)
      if (!record) throw new NotFound('Resource not found.')
      const { dataSources } = await registry.call('configuration', record.agentId)
      const sorted = sortRecords(JSON.parse(record.records) as TimeSeriesRecord[], dataSources)
      await store.overwrite(record.agentId, sorted.readings)
      const rest = {
        ...record,
        dropReason: toReason(sorted.reasons),
        records: JSON.stringify(sorted.refused),
      }
      const left = sorted.refused.length > 0 ? rest : undefined
      await uploads.call('replaceRecoverableRecord', tenant, recordId, left)
    },
  }
}

const toReason = (reasons: readonly string[]): string => reasons.join('; ').slice(0, 1024)

const accepted = (source: Told['source'], message: string): Told => ({
  severity: 'INFO',
  message,
  source,
  state: 'ACCEPTED',
})

function tellSeries({ readings, reasons }: Sorted): Told[] {
  const stored = readings.length > 0 ? [accepted('TIMESERIES', `${readings.length} values stored`)] : []
  const dropped = reasons.map((message) => ({
    severity: 'ERROR' as const,
    message,
    source: 'TIMESERIES' as const,
    state: 'DROPPED' as const,
  }))
  return [...stored, ...dropped.slice(0, maxDropMessages)]
}

/** Of one upload; a thousand unknown points are one mistake. */
const maxDropMessages = 20
