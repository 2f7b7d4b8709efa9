import {
  AttributeIds,
  type ClientSession,
  type ClientSessionRawSubscriptionService,
  CreateMonitoredItemsRequest,
  type CreateMonitoredItemsRequestOptions,
  type CreateMonitoredItemsResponse,
  DataChangeFilter,
  DataChangeTrigger,
  DeadbandType,
  DeleteMonitoredItemsRequest,
  MonitoringMode,
  type NodeId,
  type StatusCode,
  StatusCodes,
  TimestampsToReturn,
} from 'node-opcua-client'
import type { Item, Note, Subscribed, WireValue } from '../messages.ts'
import { lookUp } from './nodes.ts'
import { readRanges } from './ranges.ts'
import { chunks, rangeOf } from './reading.ts'
import { badItem, nameOf } from './values.ts'

/** The items of a subscription, each created by itself: a server grants some and refuses others. */
export interface Monitored {
  /** Creates those at these places, again where they have been before. */
  create(at: readonly number[]): Promise<Created>
}

export interface Created extends Pick<Subscribed, 'notes' | 'ranges'> {
  /** What is not watched, and why. */
  failed: WireValue[]
}

interface Known {
  item: number
  nodeId: NodeId
  of: Item
}
type Wanted = Known & { isFiltered: boolean }
type Refused = Wanted & { status: StatusCode }

const filterRefusals = new Set([
  'BadMonitoredItemFilterUnsupported',
  'BadMonitoredItemFilterInvalid',
  'BadFilterNotAllowed',
  'BadDeadbandFilterInvalid',
])

export function createMonitored(
  session: ClientSession,
  subscriptionId: number,
  items: readonly Item[],
): Monitored {
  const service = session as unknown as ClientSessionRawSubscriptionService
  /** By place, what the server calls it. */
  const ids = new Map<number, number>()

  /** Removes what would tell the same twice. */
  async function forget(at: readonly number[]): Promise<void> {
    const monitoredItemIds = at.flatMap((item) => ids.get(item) ?? [])
    for (const item of at) ids.delete(item)
    if (monitoredItemIds.length > 0)
      await service.deleteMonitoredItems(
        new DeleteMonitoredItemsRequest({ subscriptionId, monitoredItemIds }),
      )
  }

  /** What the server did not take. */
  async function request(wanted: readonly Wanted[]): Promise<Refused[]> {
    const refused: Refused[] = []
    for (const some of chunks(wanted)) {
      const asked: CreateMonitoredItemsRequestOptions = {
        ...{ subscriptionId, timestampsToReturn: TimestampsToReturn.Both },
        itemsToCreate: some.map(requestOf),
      }
      const answer = service.createMonitoredItems(new CreateMonitoredItemsRequest(asked))
      const { results } = await (answer as Promise<CreateMonitoredItemsResponse>)
      for (const [place, each] of some.entries()) {
        const { statusCode: status = StatusCodes.BadUnexpectedError, monitoredItemId } =
          results?.[place] ?? {}
        if (!status.isGood()) refused.push({ ...each, status })
        else if (monitoredItemId !== undefined) ids.set(each.item, monitoredItemId)
      }
    }
    return refused
  }

  return {
    async create(at) {
      await forget(at)
      const { known, failed } = await find(session, items, at)
      const ranges = await readRanges(
        session,
        known.filter(({ of }) => of.wantsRange),
      )
      const ranged = new Set(ranges.map(({ item }) => item))
      const notes: Note[] = []
      const isWithoutRange = ({ item, of }: Known) => of.wantsRange && !ranged.has(item)
      for (const each of known)
        if (isWithoutRange(each)) notes.push({ item: each.item, what: 'percent_without_range' })
      // A server without a range may say that it grants the deadband, and never tell a value.
      const refused = await request(known.map((each) => ({ ...each, isFiltered: !isWithoutRange(each) })))
      const isOfFilter = ({ status, of, isFiltered }: Refused) =>
        isFiltered && of.deadband !== undefined && filterRefusals.has(nameOf(status))
      const plain = refused.filter(isOfFilter)
      for (const { item } of plain) notes.push({ item, what: 'deadband_refused' })
      const still = await request(plain.map((each) => ({ ...each, isFiltered: false })))
      for (const { item, status } of [...refused.filter((each) => !isOfFilter(each)), ...still])
        failed.push(badItem(item, status))
      return { notes, ranges, failed }
    },
  }
}

async function find(session: ClientSession, items: readonly Item[], at: readonly number[]) {
  const nodes = await lookUp(
    session,
    at.map((item) => items[item]?.nodeId ?? ''),
  )
  const failed: WireValue[] = []
  const known: Known[] = []
  for (const item of at) {
    const of = items[item] as Item
    const nodeId = nodes.find(of.nodeId)
    if (nodeId) known.push({ item, nodeId, of })
    else failed.push(badItem(item, StatusCodes.BadNodeIdUnknown))
  }
  return { known, failed }
}

const requestOf = ({ item, nodeId, of, isFiltered }: Wanted) => ({
  itemToMonitor: { nodeId, attributeId: AttributeIds.Value, ...rangeOf(of) },
  monitoringMode: MonitoringMode.Reporting,
  requestedParameters: {
    ...{ clientHandle: item, samplingInterval: of.samplingMs, queueSize: of.queueSize },
    ...{ discardOldest: true, filter: filterOf(of, isFiltered) },
  },
})

/** None where the server's usual one is meant, which every server has. */
function filterOf({ deadband, withTime }: Item, isFiltered: boolean): DataChangeFilter | null {
  const band = isFiltered ? deadband : undefined
  if (!withTime && band === undefined) return null
  return new DataChangeFilter({
    trigger: withTime ? DataChangeTrigger.StatusValueTimestamp : DataChangeTrigger.StatusValue,
    deadbandType: band ? DeadbandType[band.type] : DeadbandType.None,
    deadbandValue: band?.value ?? 0,
  })
}
