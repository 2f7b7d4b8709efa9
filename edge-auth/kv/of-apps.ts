import type { Logger } from '../../core/log.ts'
import type { Apps } from '../apps/apps.ts'
import type { PrivateTokens } from './index.ts'

/** What an app keeps goes with the app, also when the box died between the two. */
export async function keepTokensOfApps(
  { apps, log }: { apps: Apps; log: Logger },
  tokens: PrivateTokens,
): Promise<void> {
  const keepTheirs = () =>
    tokens
      .keepOnly(apps.list().map(({ clientId, createdAt: since }) => ({ clientId, since })))
      .catch((err) => log.error({ err }, 'private tokens of removed apps are still there'))
  apps.onChange((clientId) => {
    if (!apps.find(clientId)) void keepTheirs()
  })
  await keepTheirs()
}
