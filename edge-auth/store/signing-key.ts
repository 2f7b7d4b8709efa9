import type { JWK } from 'jose'
import type { Database } from '../../core/sqlite.ts'

export interface SigningKey {
  readonly kid: string
  readonly privateJwk: JWK
  readonly createdAt: number
  /** Null until it signs. */
  readonly activatedAt: number | null
  /** Session time; null until it has been replaced. */
  readonly keptUntil: number | null
}

type Row = Omit<SigningKey, 'privateJwk'> & { privateJwk: string }

export function signingKeyTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO signing_key (kid, private_jwk, created_at, activated_at, kept_until)
    VALUES (@kid, @privateJwk, @createdAt, @activatedAt, @keptUntil)
    ON CONFLICT (kid) DO UPDATE SET activated_at = @activatedAt, kept_until = @keptUntil`)
  const remove = db.prepare<[string]>(`DELETE FROM signing_key WHERE kid = ?`)
  const all = db.prepare<[], Row>(`
    SELECT kid, private_jwk AS privateJwk, created_at AS createdAt, activated_at AS activatedAt,
           kept_until AS keptUntil
      FROM signing_key ORDER BY created_at, kid`)

  return {
    put: (key: SigningKey): void => void put.run({ ...key, privateJwk: JSON.stringify(key.privateJwk) }),
    remove: (kid: string): void => void remove.run(kid),
    all: (): SigningKey[] => all.all().map((row) => ({ ...row, privateJwk: JSON.parse(row.privateJwk) })),
  }
}
