import { Command, CommanderError } from 'commander'
import { release } from '../core/release.ts'
import { groupsFor } from './groups.ts'
import { reportError } from './output.ts'

/** Runs one command and leaves its exit code: 0 done, 1 failed, 2 usage, 3 not onboarded, 4 refused, 5 unreachable, 6 to be started again. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = createProgram()
  for (const load of groupsFor(argv)) (await load())(program)
  try {
    // As an option of the program --version would swallow that of "app add".
    await program.parseAsync(argv[0] === '--version' ? ['-V'] : argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
    else process.exitCode = reportError(error, argv.includes('--json'))
  }
}

function createProgram(): Command {
  return new Command('edgeward')
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
}
