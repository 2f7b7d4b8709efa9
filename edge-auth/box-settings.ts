import type { Random } from '../core/random.ts'
import type { Setting, Store } from './store/index.ts'

/** Names this box as the client of every introspected token; made once. */
export async function settleBoxId(store: Store, random: Random): Promise<string> {
  const known = settingOf(store, 'box_id')
  if (known !== undefined) return known
  const value = random.uuid()
  await store.change((disk) => disk.call('putSetting', [], { key: 'box_id', value }))
  return value
}

export const settingOf = ({ contents }: Store, key: Setting['key']): string | undefined =>
  contents.settings.find((setting) => setting.key === key)?.value
