import { resolve } from 'node:path'
import { Invalid } from '../../core/errors.ts'
import { writeFileAtomic } from '../../core/files.ts'
import { print } from '../output.ts'

/** Where a secret goes, when not to the screen. */
export interface HandOver {
  secretFile?: string
  asEnv?: true
  systemdUnit?: string
}

interface Secret {
  client_id: string
  client_secret: string
}

/** Before anything was made. */
export function refuseImpossible({ secretFile, asEnv, systemdUnit }: HandOver, hasKeys: boolean): void {
  if (secretFile === undefined && (asEnv || systemdUnit !== undefined))
    throw new Invalid('--as-env and --systemd-unit need --secret-file')
  if (secretFile !== undefined && hasKeys) throw new Invalid('an app with keys has no secret to write')
  if (systemdUnit !== undefined && !/^[A-Za-z0-9:_.@-]{1,200}\.service$/.test(systemdUnit))
    throw new Invalid(`${systemdUnit} is not the name of a service`, { cure: 'For example press.service.' })
}

/** The secret is nowhere but in the file. */
export async function handOver(json: boolean, secret: Secret, where: HandOver): Promise<void> {
  const { client_id, client_secret } = secret
  const path = resolve(where.secretFile as string)
  const pairs = `EDGEWARD_CLIENT_ID=${client_id}\nEDGEWARD_CLIENT_SECRET=${client_secret}\n`
  try {
    await writeFileAtomic(path, where.asEnv ? pairs : `${client_secret}\n`)
  } catch (cause) {
    throw new Invalid(`the secret could not be written to ${path}: ${(cause as Error).message}`, {
      cause,
      // While the daemon is stopped, root works as the owner of the state, who may write in fewer places.
      cure: `The app is registered. With the daemon running: edgeward app rotate-secret ${client_id} --secret-file PATH`,
    })
  }
  const { systemdUnit: unit } = where
  const dropIn = unit === undefined ? undefined : dropInFor(client_id, path, where.asEnv === true)
  print(json, { client_id, secret_file: path, ...(dropIn && { drop_in: dropIn }) }, () =>
    [
      `client id      ${client_id}`,
      `client secret  in ${path}`,
      ...(dropIn ? ['', `# /etc/systemd/system/${unit}.d/edgeward.conf`, dropIn] : []),
    ].join('\n'),
  )
}

/** systemd reads the file as root; the app finds its copy below $CREDENTIALS_DIRECTORY. */
function dropInFor(clientId: string, path: string, isEnvFile: boolean): string {
  const lines = isEnvFile
    ? [`EnvironmentFile=${path}`]
    : [`LoadCredential=edgeward-client-secret:${path}`, `Environment=EDGEWARD_CLIENT_ID=${clientId}`]
  return ['[Service]', ...lines].join('\n')
}
