import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { ShownCertificates } from '../../certs/index.ts'
import { Conflict } from '../../core/errors.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { fields, print, when } from '../output.ts'
import { trustSteps } from './cert-trust.ts'

const context = (command: Command) => createContext('gateway', command.optsWithGlobals<CommonOptions>())

export function certCommands(program: Command): void {
  const cert = program.command('cert').description('certificates of this box')

  cert
    .command('show')
    .description('the device CA and the certificate of this box')
    .action(async (_options, command: Command) => {
      const { json, operate } = context(command)
      const shown = await operate<ShownCertificates>('cert.show')
      print(json, shown, () => describe(shown))
    })

  cert
    .command('renew')
    .description('give the box a new certificate of its device CA, with a new key, now')
    .action(async (_options, command: Command) => {
      const { json, operate } = context(command)
      const shown = await operate<ShownCertificates>('cert.renew')
      print(json, shown, () => describe(shown))
    })

  cert
    .command('trust')
    .description('how browsers, systems and clients are told to trust the device CA')
    .option('--out <file>', 'write the certificate of the CA into this file (PEM)')
    .action(async ({ out }: { out?: string }, command: Command) => {
      const { json, operate } = context(command)
      // Opened before: a command that does the work itself may go on as the owner of the state.
      await using file = out === undefined ? undefined : await open(out, 'a', 0o644)
      const { ca, server } = await operate<ShownCertificates>('cert.show')
      if (ca === null) throw new Conflict('there is no device CA yet; see "edgeward cert show"', 'no_ca')
      await file?.truncate(0)
      await file?.writeFile(ca.pem)
      const { pem, fingerprint256, subject } = ca
      const steps = trustSteps(basename(out ?? 'edgeward-ca.crt'))
      const result = { subject, fingerprint256, pem, steps, ...(out === undefined ? {} : { out }) }
      print(json, result, () => describeTrust(result, server.origin))
    })

  cert
    .command('ca-key')
    .description('make the key of the device CA in the token that certs.ca_key names')
    .option('--bits <bits>', 'length of the RSA key: 2048, 3072 or 4096; a TPM often does 2048 only', '3072')
    .action(async ({ bits }: { bits: string }, command: Command) => {
      const { json, operate } = context(command)
      const shown = await operate<ShownCertificates>('cert.caKey', { bits: Number(bits) })
      print(json, shown, () => describe(shown))
    })
}

const date = (text: string) => when(Date.parse(text))

const origins: Record<ShownCertificates['server']['origin'], string> = {
  'device-ca': 'signed by the device CA',
  own: 'of your own (certs.server_cert)',
  interim: 'for the meantime, signed by nobody',
}

const describe = ({ ca, server, warnings, faults }: ShownCertificates): string =>
  [
    fields([
      ['device CA', ca?.subject ?? 'none yet'],
      ['  valid to', ca ? date(ca.notAfter) : undefined],
      ['  SHA-256', ca?.fingerprint256],
      ['  key', ca?.key === 'token' ? 'in a token' : undefined],
      ['this box', server.names.join(', ')],
      ['  is', origins[server.origin]],
      ['  valid to', date(server.notAfter)],
      ['  SHA-256', server.fingerprint256],
      ...warnings.map((warning) => ['  warning', warning] as const),
      ...faults.map((fault) => ['FAULT', fault] as const),
    ]),
    ...(ca ? ['', ca.pem.trim()] : []),
  ].join('\n')

interface Trust {
  subject: string
  fingerprint256: string
  pem: string
  out?: string
  steps: ReturnType<typeof trustSteps>
}

const describeTrust = ({ subject, fingerprint256, pem, out, steps }: Trust, origin: string): string =>
  [
    ...(origin === 'own'
      ? ['The box shows a certificate of your own: its authority is to be trusted, not this one.', '']
      : []),
    subject,
    `SHA-256 ${fingerprint256}`,
    '',
    out === undefined
      ? `Save this as edgeward-ca.crt, or let "edgeward cert trust --out FILE" do it:\n\n${pem.trim()}`
      : `Written to ${out}.`,
    '',
    'Compare the SHA-256 with the one above on each device before you trust it.',
    ...steps.map(({ system, text }) => `\n${system}\n${text.map((line) => `  ${line}`).join('\n')}`),
  ].join('\n')
