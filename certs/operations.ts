import type { X509Certificate } from 'node:crypto'
import Type from 'typebox'
import type { Operations } from '../core/control.ts'
import { Conflict, Invalid } from '../core/errors.ts'
import { parser } from '../core/schema.ts'
import type { Token } from './token/index.ts'
import type { InUse, Origin, Upkeep } from './upkeep.ts'

/** What `cert.show` answers. */
export interface ShownCertificates {
  /** None before a token has signed it for the first time. */
  ca: (Shown & { subject: string; pem: string; key: 'file' | 'token' }) | null
  server: Shown & { names: readonly string[]; origin: Origin }
  warnings: readonly string[]
  faults: readonly string[]
}

interface Shown {
  /** RFC 3339. */
  notAfter: string
  fingerprint256: string
}

export interface CertOperationsDeps {
  upkeep: Pick<Upkeep, 'inUse' | 'mend'>
  token: Token | undefined
  /** One after the other. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
}

export function certOperations({ upkeep, token, inTurn }: CertOperationsDeps): Operations {
  const shown = () => show(upkeep.inUse(), token !== undefined)
  return {
    async 'cert.show'(params) {
      parseNothing(params, 'cert.show')
      return shown()
    },
    async 'cert.renew'(params) {
      parseNothing(params, 'cert.renew')
      return inTurn(async () => {
        await upkeep.mend({ newKey: upkeep.inUse().origin !== 'own' })
        if (upkeep.inUse().origin === 'own')
          throw new Conflict('the box shows a certificate of your own; its files have been read again', 'own')
        return shown()
      })
    },
    async 'cert.caKey'(params) {
      const { bits } = parseCaKey(params, 'cert.caKey')
      if (!token)
        throw new Invalid('the key of the device CA lies in a file', {
          cure: 'Name the token in certs.ca_key first; see "edgeward config example".',
        })
      return inTurn(async () => {
        await token.generate(bits)
        await upkeep.mend()
        return shown()
      })
    },
  }
}

const parseNothing = parser(Type.Object({}, { additionalProperties: false }))
const parseCaKey = parser(
  Type.Object({ bits: Type.Enum([2048, 3072, 4096]) }, { additionalProperties: false }),
)

function show({ ca, server, origin, names, warnings, faults }: InUse, isInToken: boolean): ShownCertificates {
  const essentialsOfCa = ca && {
    subject: ca.subject.replaceAll('\n', ', '),
    ...essentials(ca),
    pem: ca.toString(),
    key: isInToken ? ('token' as const) : ('file' as const),
  }
  return {
    ca: essentialsOfCa ?? null,
    server: { names, origin, ...essentials(server.certificate) },
    warnings,
    faults,
  }
}

const essentials = ({ validTo, fingerprint256 }: X509Certificate): Shown => ({
  notAfter: new Date(validTo).toISOString(),
  fingerprint256,
})
