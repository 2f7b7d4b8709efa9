import type { Database } from '../../core/sqlite.ts'

export interface SigningKeyRow {
  kid: string
  /** PKCS#8, PEM. */
  privateKey: string
}

export function signingKeyTable(db: Database) {
  const insert = db.prepare<SigningKeyRow & { now: number }>(`
    INSERT INTO signing_key (kid, private_key, created_at) VALUES (@kid, @privateKey, @now)`)
  const select = db.prepare<[], SigningKeyRow>(`
    SELECT kid, private_key AS privateKey FROM signing_key ORDER BY created_at DESC, rowid DESC`)

  return {
    add: (key: SigningKeyRow, now: number): void => void insert.run({ ...key, now }),
    newestFirst: (): SigningKeyRow[] => select.all(),
  }
}
