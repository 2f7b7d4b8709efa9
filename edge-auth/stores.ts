import {
  openPrivateTokens,
  type PrivateTokens,
  type PrivateTokensConfig,
  type PrivateTokensDeps,
} from './kv/index.ts'
import { openStore, type Store, type StoreConfig, type StoreDeps } from './store/index.ts'

export type StoresDeps = PrivateTokensDeps & StoreDeps

export interface StoresConfig extends StoreConfig {
  kv: Omit<PrivateTokensConfig, 'dir'>
}

/** Both at the same time: most of it is the start of a thread. */
export async function openStores(
  deps: StoresDeps,
  config: StoresConfig,
): Promise<{ store: Store; kv: PrivateTokens }> {
  await using opened = new AsyncDisposableStack()
  const [store, kv] = await Promise.allSettled([
    openStore(deps, config),
    openPrivateTokens(deps, { dir: config.dir, ...config.kv }),
  ])
  for (const one of [store, kv]) if (one.status === 'fulfilled') opened.use(one.value)
  if (store.status === 'rejected') throw store.reason
  if (kv.status === 'rejected') throw kv.reason
  opened.move()
  return { store: store.value, kv: kv.value }
}
