import type { Clock } from '../core/clock.ts'
import type { Operations } from '../core/control.ts'
import { Invalid } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import { openKeyFile } from './ca.ts'
import { keyPem } from './files.ts'
import { type Network, serverNames, thisNetwork } from './names.ts'
import { certOperations } from './operations.ts'
import { type OwnFiles, ownCertificate } from './own.ts'
import { createToken, parseTokenUri } from './token/index.ts'
import { openUpkeep } from './upkeep.ts'

export type { ShownCertificates } from './operations.ts'

/** The device CA, made once and kept, and the certificate by which this box serves TLS. */
export interface Certs {
  /** PEM of the device CA: what a client is to trust. Empty until a token has signed it. */
  readonly ca: string
  /** PEM of what is in use now; after a certificate of the device CA follows that. */
  readonly server: ServerPem
  /** When they end, in epoch milliseconds. */
  readonly endings: readonly { name: string; notAfter: number }[]
  /** `cert.*` */
  readonly operations: Operations
  /** Called with each certificate that takes the place of another; its files are on disk. */
  onChange(listener: (server: ServerPem) => void): void
  /** Called with what cannot be kept, and with undefined when all is well again. */
  onFault(listener: (fault: string | undefined) => void): void
  /** Renews what runs out, follows names and files, until aborted. Never rejects for what can be tried again. */
  run(signal: AbortSignal): Promise<void>
  /** Looks now, as if nothing were known. */
  reload(): void
}

export interface ServerPem {
  readonly cert: string
  readonly key: string
}

export interface CertsDeps {
  /** Best with a corrected time: clients judge by theirs. */
  clock: Clock
  random: Random
  log: Logger
  /** Unless told, what the operating system says. */
  network?: () => Network
  /** Whether the clock is known to be right; unless told, it is not. */
  isTimeTrusted?: () => boolean
  /** For the library of a token. */
  environment?: Readonly<Record<string, string | undefined>>
}

export interface CertsConfig {
  /** `<state>/pki` */
  dir: string
  /** Names and addresses to certify besides those found. */
  names: readonly string[]
  deviceName: string
  /** Files of a certificate that somebody else has signed: then the box shows that. */
  serverCert?: string
  serverKey?: string
  /** RFC 7512 address of the key of the device CA; without it, `ca.key`. */
  caKey?: string
}

/** So often the network and the files are looked at; nothing is written unless something has changed. */
const lookEveryMs = 30_000

/** Throws `Invalid` when a configured name is none, or the settings contradict each other. */
export async function openCerts(deps: CertsDeps, config: CertsConfig): Promise<Certs> {
  const { clock, random, log, network = thisNetwork, isTimeTrusted = () => false, environment = {} } = deps
  const { dir, deviceName } = config
  const own = ownFiles(config)
  const place = config.caKey === undefined ? undefined : parseTokenUri(config.caKey)
  const token = place && createToken({ environment }, place)
  const upkeep = await openUpkeep(
    {
      ...{ clock, random, log, isTimeTrusted },
      openKey: () => token?.open() ?? openKeyFile({ random }, dir),
      names: () => serverNames(network(), config.names),
      ...(own ? { readOwn: ownCertificate({ clock, isTimeTrusted }, own) } : {}),
    },
    { dir, deviceName, isKeyRemote: token !== undefined },
  )
  const pem = (): ServerPem => {
    const { ca, server, origin } = upkeep.inUse()
    const authority = origin === 'device-ca' && ca ? ca.toString() : ''
    return { cert: server.chain + authority, key: keyPem(server.key) }
  }

  const changed: ((server: ServerPem) => void)[] = []
  const failed: ((fault: string | undefined) => void)[] = []
  let told = pem().cert
  let toldFault: string | undefined
  function tell(): void {
    const fault = upkeep.inUse().faults.join('; ') || undefined
    if (fault !== toldFault) for (const listener of failed) listener(fault)
    toldFault = fault
    const now = pem()
    if (now.cert !== told) for (const listener of changed) listener(now)
    told = now.cert
  }
  let last: Promise<unknown> = Promise.resolve()
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work).finally(tell)
    last = done.catch(() => {}) // whoever has asked for it is told
    return done
  }

  return {
    get ca() {
      return upkeep.inUse().ca?.toString() ?? ''
    },
    get server() {
      return pem()
    },
    get endings() {
      const { ca, server } = upkeep.inUse()
      const all = [...(ca ? [{ name: 'device CA', of: ca }] : []), { name: 'box', of: server.certificate }]
      return all.map(({ name, of }) => ({ name, notAfter: Date.parse(of.validTo) }))
    },
    operations: certOperations({ upkeep, token, inTurn }),
    onChange: (listener) => void changed.push(listener),
    onFault: (listener) => void failed.push(listener),
    reload: () => void inTurn(upkeep.mend).catch(() => {}), // it is in the log
    async run(signal) {
      while (!signal.aborted) {
        await inTurn(upkeep.look)
        await clock.sleep(lookEveryMs, signal).catch(() => {}) // aborted: the loop ends
      }
    },
  }
}

function ownFiles({ serverCert: cert, serverKey: key }: CertsConfig): OwnFiles | undefined {
  if (cert !== undefined && key !== undefined) return { cert, key }
  if (cert === undefined && key === undefined) return undefined
  throw new Invalid('certs.server_cert and certs.server_key go together', {
    cure: 'Name the file of the certificate and that of its key, or neither.',
  })
}
