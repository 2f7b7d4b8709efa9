import Type, { type Static } from 'typebox'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import { release } from '../../core/release.ts'
import { parser } from '../../core/schema.ts'
import { DeviceEvent, wholeBox } from '../../protocol/alarm.ts'
import { createKeeper, readKept } from './kept.ts'

/** API. */
export type EventType =
  | 'started'
  | 'stopped'
  | 'stopped_uncleanly'
  | 'power_cut_suspected'
  | 'time_corrected'
  | 'configuration_applied'
  | 'configuration_refused'
  | 'configuration_reverted'
  | 'onboarded'
  | 'credential_rotated'
  | 'rotation_failed'
  | 'offboarded'
  | 'identity_replaced'
  | 'command_executed'
  | 'command_failed'
  | 'command_rejected'
  | 'command_expired'
  | 'certificate_changed'

/** What has happened on the box, seldom things; the newest few hundred. */
export interface Events extends AsyncDisposable {
  note(type: EventType, text: string, source?: string): void
  /** The newest first. */
  list(): DeviceEvent[]
  /** Says how many. */
  forget(isOld: (event: DeviceEvent) => boolean): number
  /** The daemon begins, on this start of the machine: tells how the last one ended. */
  began(boot: string): Promise<void>
  /** It ends as it should. */
  ended(): void
}

const KeptEvent = Type.Object({ ...DeviceEvent.properties, boot: Type.Optional(Type.String()) })
type KeptEvent = Static<typeof KeptEvent>

const maxEvents = 300

const isOfLife = ({ type }: KeptEvent): boolean => type === 'started' || type === 'stopped'

export async function openEvents(
  deps: { clock: Clock; log: Logger },
  { path }: { path: string },
): Promise<Events> {
  const { clock, log } = deps
  const parse = parser(KeptEvent)
  /** Oldest first. */
  let events: KeptEvent[] = await readKept(path, (row) => parse(row, 'event'), log)
  const keeper = createKeeper(deps, { path, content: () => events })

  const add = (type: EventType, text: string, more: { source?: string; boot?: string } = {}): void => {
    const event = {
      id: (events.at(-1)?.id ?? 0) + 1,
      type,
      source: wholeBox,
      text,
      time: clock.now(),
      ...more,
    }
    events = [...events, event].slice(-maxEvents)
    log.info({ event: type, source: event.source, text }, 'device event')
    keeper.changed()
  }

  return {
    note: (type, text, source) => add(type, text, source === undefined ? {} : { source }),
    list: () => events.map(({ boot: _, ...event }) => event).reverse(),
    forget(isOld) {
      // Two stay: where the numbers go on, and how the last start ended.
      const needed = [events.at(-1), events.findLast(isOfLife)]
      const left = events.filter((event) => needed.includes(event) || !isOld(event))
      const count = events.length - left.length
      events = left
      if (count > 0) keeper.changed()
      return count
    },
    async began(boot) {
      const last = events.findLast(isOfLife)
      if (last?.type === 'started') {
        if (last.boot === boot) add('stopped_uncleanly', 'edgeward had ended without being stopped')
        else
          add('power_cut_suspected', 'the machine had ended without stopping edgeward: a power cut, perhaps')
      }
      add('started', `edgeward ${release} has started`, { boot })
      // At once: without it nobody would know that this start ended in a power cut.
      await keeper.write().catch((err) => log.warn({ err }, 'events not written'))
    },
    ended: () => add('stopped', 'edgeward was stopped'),
    [Symbol.asyncDispose]: () => keeper[Symbol.asyncDispose](),
  }
}
