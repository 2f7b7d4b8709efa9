import type { Clock } from '../../core/clock.ts'
import { Conflict, NotFound, PreconditionFailed } from '../../core/errors.ts'
import type { Audit } from '../audit/audit.ts'
import type { AlarmMapping, Store } from '../store/index.ts'

/** How alarms of a type are told: with another severity or text, or not at all. */
export interface AlarmMappings {
  list(): readonly AlarmMapping[]
  find(type: string): AlarmMapping | undefined
  /** `allowed` is given what is there, when no other change can come between; it throws to refuse. */
  put(
    wanted: Omit<AlarmMapping, 'updatedAt' | 'revision'>,
    condition: MappingCondition,
    allowed: (before: AlarmMapping | undefined) => void,
  ): Promise<AlarmMapping>
  remove(type: string, condition: MappingCondition, allowed: (before: AlarmMapping) => void): Promise<void>
}

export interface MappingCondition {
  /** 0: only when there is none. */
  ifRevision?: number
  mustExist?: boolean
}

export interface AlarmMappingsDeps {
  store: Store
  clock: Clock
  audit: Pick<Audit, 'alarmMappingChanged'>
  /** Told at once, and after each change. */
  map(mappings: readonly AlarmMapping[]): void
}

const maxMappings = 200

export function createAlarmMappings({ store, clock, audit, map }: AlarmMappingsDeps): AlarmMappings {
  const mappings = new Map(store.contents.alarmMappings.map((mapping) => [mapping.type, mapping]))
  const list = () => [...mappings.values()]
  map(list())
  return {
    list,
    find: (type) => mappings.get(type),
    put: (wanted, condition, allowed) =>
      store.change(async (disk) => {
        const before = mappings.get(wanted.type)
        allowed(before)
        refuseChanged(before, condition)
        if (!before && mappings.size >= maxMappings)
          throw new Conflict(`there are ${maxMappings} alarm mappings already`)
        const { owner, revision } = before ?? { owner: wanted.owner, revision: 0 }
        const mapping = { ...wanted, owner, updatedAt: clock.now(), revision: revision + 1 }
        const entry = audit.alarmMappingChanged(before ? 'updated' : 'created', mapping)
        await disk.call('putAlarmMapping', [entry], mapping)
        mappings.set(mapping.type, mapping)
        map(list())
        return mapping
      }),
    remove: (type, condition, allowed) =>
      store.change(async (disk) => {
        const before = mappings.get(type)
        if (!before) throw new NotFound(`alarms of the type ${type} are not mapped`)
        allowed(before)
        refuseChanged(before, condition)
        await disk.call('removeAlarmMapping', [audit.alarmMappingChanged('deleted', before)], type)
        mappings.delete(type)
        map(list())
      }),
  }
}

function refuseChanged(before: AlarmMapping | undefined, { ifRevision, mustExist }: MappingCondition): void {
  if (mustExist && !before) throw new PreconditionFailed('there is no such alarm mapping')
  if (ifRevision === undefined || ifRevision === (before?.revision ?? 0)) return
  throw new PreconditionFailed('the alarm mapping is not as it was')
}
