import type { Command } from 'commander'

type AddTo = (program: Command) => void

/** The commands, in the order of the help, by the names that each file brings: only what is asked for is loaded. */
export const groups: Readonly<Record<string, () => Promise<AddTo>>> = {
  'run status': async () => (await import('./commands/gateway.ts')).gatewayCommands,
  cert: async () => (await import('./commands/cert.ts')).certCommands,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  'logs log': async () => (await import('./commands/logs.ts')).logCommands,
  'support-bundle': async () => (await import('./commands/support-bundle.ts')).supportBundleCommand,
  'onboard rotate token': async () => (await import('./commands/identity.ts')).identityCommands,
  user: async () => (await import('./commands/users.ts')).userCommands,
  sso: async () => (await import('./commands/sso.ts')).ssoCommands,
  role: async () => (await import('./commands/roles.ts')).roleCommands,
  group: async () => (await import('./commands/groups.ts')).groupCommands,
  'service-access': async () => (await import('./commands/service-access.ts')).serviceAccessCommands,
  'totp break-glass login-settings': async () => (await import('./commands/totp.ts')).totpCommands,
  session: async () => (await import('./commands/sessions.ts')).sessionCommands,
  audit: async () => (await import('./commands/audit.ts')).auditCommand,
  retention: async () => (await import('./commands/retention.ts')).retentionCommands,
  'alarm event': async () => (await import('./commands/alarms.ts')).alarmCommands,
  auth: async () => (await import('./commands/auth.ts')).authCommands,
  app: async () => (await import('./commands/apps.ts')).appCommands,
  kv: async () => (await import('./commands/kv.ts')).kvCommands,
  option: async () => (await import('./commands/options.ts')).optionCommands,
  'proxy-config proxy-check': async () => (await import('./commands/proxy.ts')).proxyCommands,
  source: async () => (await import('./commands/sources.ts')).sourceCommands,
  config: async () => (await import('./commands/config.ts')).configCommands,
  'backup restore': async () => (await import('./commands/backup.ts')).backupCommands,
  'self-check': async () => (await import('./commands/self-check.ts')).selfCheckCommand,
  hub: async () => (await import('./commands/hub.ts')).hubCommands,
  demo: async () => (await import('./demo/index.ts')).demoCommand,
  'completion manual': async () => (await import('./commands/manual.ts')).manualCommands,
}

/** They tell of all commands. */
const ofAll = ['completion', 'manual', 'help']

/** Those that the command line needs: one, or all where it names none that is known; none for the version. */
export function groupsFor(argv: readonly string[]): readonly (() => Promise<AddTo>)[] {
  if (['-V', '--version'].includes(argv[0] ?? '')) return []
  const asked = commandIn(argv)
  const found = Object.entries(groups).find(([names]) => names.split(' ').includes(asked ?? ''))
  return found && !ofAll.includes(asked ?? '') ? [found[1]] : Object.values(groups)
}

const withValue = ['--config', '--state-dir']

function commandIn(argv: readonly string[]): string | undefined {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string
    if (withValue.includes(word)) at++
    else if (!word.startsWith('-')) return word
  }
  return undefined
}
