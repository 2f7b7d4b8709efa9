import { Command, CommanderError } from 'commander'
import { release } from '../core/release.ts'
import { alarmCommands } from './commands/alarms.ts'
import { appCommands } from './commands/apps.ts'
import { auditCommand } from './commands/audit.ts'
import { authCommands } from './commands/auth.ts'
import { backupCommands } from './commands/backup.ts'
import { certCommands } from './commands/cert.ts'
import { configCommands } from './commands/config.ts'
import { doctorCommand } from './commands/doctor.ts'
import { gatewayCommands } from './commands/gateway.ts'
import { groupCommands } from './commands/groups.ts'
import { hubCommands } from './commands/hub.ts'
import { identityCommands } from './commands/identity.ts'
import { kvCommands } from './commands/kv.ts'
import { logCommands } from './commands/logs.ts'
import { manualCommands } from './commands/manual.ts'
import { optionCommands } from './commands/options.ts'
import { proxyCommands } from './commands/proxy.ts'
import { retentionCommands } from './commands/retention.ts'
import { roleCommands } from './commands/roles.ts'
import { selfCheckCommand } from './commands/self-check.ts'
import { serviceAccessCommands } from './commands/service-access.ts'
import { sessionCommands } from './commands/sessions.ts'
import { sourceCommands } from './commands/sources.ts'
import { ssoCommands } from './commands/sso.ts'
import { supportBundleCommand } from './commands/support-bundle.ts'
import { totpCommands } from './commands/totp.ts'
import { userCommands } from './commands/users.ts'
import { demoCommand } from './demo/index.ts'
import { reportError } from './output.ts'

/** Runs one command and leaves its exit code: 0 done, 1 failed, 2 usage, 3 not onboarded, 4 refused, 5 unreachable, 6 to be started again. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = createProgram()
  try {
    // As an option of the program --version would swallow that of "app add".
    await program.parseAsync(argv[0] === '--version' ? ['-V'] : argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
    else process.exitCode = reportError(error, argv.includes('--json'))
  }
}

function createProgram(): Command {
  const program = new Command('edgeward')
    .description(
      'Identity, telemetry and local authority for an industrial gateway; and the hub it talks to.',
    )
    .version(release, '-V', 'print the version')
    .option('--config <file>', 'configuration file (default: /etc/edgeward/edgeward.toml)')
    .option(
      '--state-dir <dir>',
      'state directory (default: /var/lib/edgeward; of the hub: /var/lib/edgeward-hub)',
    )
    .option('--json', 'print results as JSON')
    .exitOverride()
    .showHelpAfterError()
  for (const add of [
    gatewayCommands,
    certCommands,
    doctorCommand,
    logCommands,
    supportBundleCommand,
    identityCommands,
    userCommands,
    ssoCommands,
    roleCommands,
    groupCommands,
    serviceAccessCommands,
    totpCommands,
    sessionCommands,
    auditCommand,
    retentionCommands,
    alarmCommands,
    authCommands,
    appCommands,
    kvCommands,
    optionCommands,
    proxyCommands,
    sourceCommands,
    configCommands,
    backupCommands,
    selfCheckCommand,
    hubCommands,
    demoCommand,
    manualCommands,
  ])
    add(program)
  return program
}
