import { flat, type OptionWords, type Words } from './words.ts'

export interface ManPageConfig {
  readonly release: string
  /** ISO 8601, of the release. */
  readonly date: string
}

const exitCodes = [
  [0, 'done'],
  [1, 'failed'],
  [2, 'wrong usage or configuration'],
  [3, 'not onboarded'],
  [4, 'refused by the hub'],
  [5, 'unreachable or timed out'],
  [6, 'ended to be started again, as the hub has asked: only by "edgeward run"'],
] as const

const files = [
  [
    '/etc/edgeward/edgeward.toml',
    'The configuration. Every key is in the output of "edgeward config example".',
  ],
  ['/etc/edgeward/sources.d/', 'Data sources of this box, in TOML.'],
  ['/var/lib/edgeward/', 'The state of the gateway: identity, users, apps, readings that wait.'],
  ['/var/lib/edgeward-hub/', 'The state of the hub.'],
  ['/run/edgeward/', 'Sockets for the commands and for the reverse proxy.'],
] as const

/** The whole program as a page of the manual, section 1. */
export function manPage(program: Words, { release, date }: ManPageConfig): string {
  const commands = flat(program).filter((words) => words !== program && isTyped(words))
  return [
    `.TH EDGEWARD 1 ${quoted(date.slice(0, 10))} ${quoted(`edgeward ${release}`)} "User Commands"`,
    '.SH NAME',
    'edgeward \\- identity, telemetry and local authority of an industrial gateway, and its hub',
    '.SH SYNOPSIS',
    `.B edgeward\n${escaped('[options] command')}`,
    '.SH DESCRIPTION',
    escaped(program.description),
    escaped('Results are written to standard output, logs and errors to standard error.'),
    '.SH OPTIONS',
    ...optionLines(program.options),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH EXIT STATUS',
    ...exitCodes.flatMap(([code, meaning]) => tagged(`${code}`, meaning)),
    '.SH ENVIRONMENT',
    ...tagged(
      'EDGEWARD_SECTION_KEY',
      'A key of the configuration, for example EDGEWARD_AUTH_LISTEN for listen of the section [auth]; it wins over the file. An unknown one is an error.',
    ),
    '.SH FILES',
    ...files.flatMap(([path, meaning]) => tagged(path, meaning)),
    '.SH SEE ALSO',
    '.BR systemctl (1),\n.BR journalctl (1)',
    '.PP',
    escaped('/usr/share/doc/edgeward/ has the guides for operators, app developers and hubs.'),
    '',
  ].join('\n')
}

/** A folder of commands, without an option of its own, does nothing by itself. */
const isTyped = ({ commands, options }: Words): boolean =>
  commands.length === 0 || options.some(({ flags }) => !flags.includes('--help'))

const commandLines = ({ usage, description, arguments: given, options }: Words): string[] => [
  `.SS ${quoted(usage)}`,
  escaped(sentence(description)),
  ...given.flatMap(({ term, description: meaning }) => (meaning === '' ? [] : tagged(term, meaning))),
  ...optionLines(options.filter(({ flags }) => !flags.includes('--help'))),
]

const optionLines = (options: readonly OptionWords[]): string[] =>
  options.flatMap(({ term, description }) => tagged(term, description))

const tagged = (term: string, meaning: string): string[] => [
  '.TP',
  `.B ${escaped(term)}`,
  escaped(sentence(meaning)),
]

const sentence = (text: string): string =>
  text === '' ? '' : `${text[0]?.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`

/** A dot or quote at the start of a line would be a request; a bare hyphen is shown as a dash. */
const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')

const quoted = (text: string): string => `"${escaped(text).replaceAll('"', '\\(dq')}"`
