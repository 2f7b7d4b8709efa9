import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { OpcuaBrowse, OpcuaCertificate, OpcuaNode } from '../../agent/index.ts'
import { Invalid } from '../../core/errors.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, print, when } from '../output.ts'

interface BrowseOptions extends CommonOptions {
  node: string
  depth: number
  max: number
  securityPolicy?: NonNullable<OpcuaBrowse['securityPolicy']>
  securityMode?: NonNullable<OpcuaBrowse['securityMode']>
  user?: string
  passwordFile?: string
}

export function browseCommand(source: Command): void {
  source
    .command('browse')
    .description('show what an OPC UA server has: node ids, classes, types and values')
    .argument('<endpoint>', 'such as opc.tcp://10.0.0.5:4840')
    .option('--node <id>', 'where to begin', 'i=85')
    .option('--depth <n>', 'how far down', whole, 2)
    .option('--max <n>', 'nodes that are shown', whole, 1_000)
    .addOption(
      new Option('--security-policy <name>', 'default: None').choices([
        'None',
        'Basic256Sha256',
        'Aes128_Sha256_RsaOaep',
        'Aes256_Sha256_RsaPss',
      ]),
    )
    .addOption(
      new Option('--security-mode <name>', 'default: SignAndEncrypt where there is a policy').choices([
        'None',
        'Sign',
        'SignAndEncrypt',
      ]),
    )
    .option('--user <name>')
    .option('--password-file <file>', 'with the password of the user')
    .action(async (endpoint: string, _own: unknown, command: Command) => {
      const options = command.optsWithGlobals<BrowseOptions>()
      const context = createContext('gateway', options)
      const tree = await context.operate<OpcuaNode>('agent.opcuaBrowse', await asked(endpoint, options))
      print(context.json, tree, () => describeTree(tree))
    })
}

export function trustCommand(source: Command): void {
  source
    .command('trust')
    .description('trust the certificate of an OPC UA server, or list those that have been seen')
    .argument('[fingerprint]', 'SHA-1 (thumbprint) or SHA-256 of the certificate')
    .action(async (fingerprint: string | undefined, _own: unknown, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      if (fingerprint === undefined) {
        const seen = await context.operate<OpcuaCertificate[]>('agent.opcuaCertificates')
        return print(context.json, seen, () => describeCertificates(seen))
      }
      const trusted = await context.operate<OpcuaCertificate>('agent.opcuaTrust', { fingerprint })
      print(context.json, trusted, () => `trusted: ${trusted.subject}, thumbprint ${trusted.thumbprint}`)
    })
}

function whole(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new Invalid(`"${text}" is not a whole number`)
  return Number(text)
}

async function asked(endpoint: string, options: BrowseOptions): Promise<OpcuaBrowse> {
  const { node, depth, max, securityPolicy, securityMode, user, passwordFile } = options
  return {
    ...{ endpoint, node, depth, maxNodes: max },
    ...(securityPolicy === undefined ? {} : { securityPolicy }),
    ...(securityMode === undefined ? {} : { securityMode }),
    ...(user === undefined ? {} : { user }),
    ...(passwordFile === undefined ? {} : { password: await secretOf(passwordFile) }),
  }
}

async function secretOf(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new Invalid(`${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

const describeTree = (root: OpcuaNode): string =>
  columns(['NODE', 'NODE ID', 'CLASS', 'TYPE', 'VALUE'], rowsOf(root, 0), 'no node')

function rowsOf(node: OpcuaNode, depth: number): (string | undefined)[][] {
  const { browseName, nodeId, nodeClass, dataType, children, more } = node
  const indent = '  '.repeat(depth)
  return [
    [`${indent}${browseName}`, nodeId, nodeClass, dataType, shownValue(node)],
    ...children.flatMap((child) => rowsOf(child, depth + 1)),
    ...(more ? [[`${indent}  … and more: --max, or --node ${nodeId}`]] : []),
  ]
}

const maxShown = 60

function shownValue({ value, quality }: OpcuaNode): string | undefined {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value ?? '')
  const short = text.length > maxShown ? `${text.slice(0, maxShown)}…` : text
  return [short, quality].filter((part) => part !== undefined && part !== '').join(' ') || undefined
}

const describeCertificates = (seen: readonly OpcuaCertificate[]): string =>
  columns(
    ['STATE', 'THUMBPRINT', 'VALID TO', 'SUBJECT'],
    seen.map(({ state, thumbprint, notAfter, subject }) => [
      state,
      thumbprint,
      when(Date.parse(notAfter)),
      subject,
    ]),
    'no OPC UA server has been met',
  )
