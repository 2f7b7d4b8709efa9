import type { JWK } from 'jose'
import type { Database } from '../../core/sqlite.ts'

export interface SigningKey {
  readonly kid: string
  readonly privateJwk: JWK
  readonly createdAt: number
}

type Row = Omit<SigningKey, 'privateJwk'> & { privateJwk: string }

export function signingKeyTable(db: Database) {
  const insert = db.prepare<Row>(`
    INSERT INTO signing_key (kid, private_jwk, created_at) VALUES (@kid, @privateJwk, @createdAt)`)
  const all = db.prepare<[], Row>(`
    SELECT kid, private_jwk AS privateJwk, created_at AS createdAt FROM signing_key ORDER BY created_at`)

  return {
    add: (key: SigningKey): void => void insert.run({ ...key, privateJwk: JSON.stringify(key.privateJwk) }),
    all: (): SigningKey[] => all.all().map((row) => ({ ...row, privateJwk: JSON.parse(row.privateJwk) })),
  }
}
