import type { Apps } from '../apps/apps.ts'
import {
  openPrivateTokens,
  type PrivateTokens,
  type PrivateTokensConfig,
  type PrivateTokensDeps,
} from './index.ts'

/** What an app keeps goes with the app, also when the box died between the two. */
export async function openTokensOfApps(
  apps: Apps,
  deps: PrivateTokensDeps,
  config: PrivateTokensConfig,
): Promise<PrivateTokens> {
  const tokens = await openPrivateTokens(deps, config)
  const keepTheirs = () =>
    tokens
      .keepOnly(apps.list().map(({ clientId, createdAt: since }) => ({ clientId, since })))
      .catch((err) => deps.log.error({ err }, 'private tokens of removed apps are still there'))
  apps.onChange((clientId) => {
    if (!apps.find(clientId)) void keepTheirs()
  })
  await keepTheirs()
  return tokens
}
