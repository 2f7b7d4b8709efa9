import type { Database } from '../../core/sqlite.ts'
import type { AppName } from './apps.ts'

/** What a tenant lets an app do with its data; void with the next consent and when it is withdrawn. */
export interface Consent {
  id: string
  permissions: string[]
}

export interface AppSubscription extends AppName {
  tenant: string
  consent: Consent | undefined
}

export type AppUse = AppName & { tenant: string }
type Row = AppUse & { consentId: string | null; consented: string | null }

export function appSubscriptionTable(db: Database) {
  const insert = db.prepare<AppUse & { now: number }>(`
    INSERT INTO app_subscription (host, app, tenant, created_at) VALUES (@host, @app, @tenant, @now)
    ON CONFLICT DO NOTHING`)
  const columns = `host, app, tenant, consent_id AS consentId, consented`
  const select = db.prepare<AppUse, Row>(`
    SELECT ${columns} FROM app_subscription WHERE host = @host AND app = @app AND tenant = @tenant`)
  const selectAll = db.prepare<[], Row>(`SELECT ${columns} FROM app_subscription ORDER BY host, app, tenant`)
  const update = db.prepare<Row>(`
    UPDATE app_subscription SET consent_id = @consentId, consented = @consented
     WHERE host = @host AND app = @app AND tenant = @tenant`)
  const remove = db.prepare<AppUse>(`
    DELETE FROM app_subscription WHERE host = @host AND app = @app AND tenant = @tenant`)
  const consenting = `FROM app_subscription WHERE host = @host AND app = @app AND consent_id IS NOT NULL`
  const selectPage = db.prepare<AppName & { size: number; offset: number }, { tenant: string }>(`
    SELECT tenant ${consenting} ORDER BY tenant LIMIT @size OFFSET @offset`)
  const count = db.prepare<AppName, { total: number }>(`SELECT count(*) AS total ${consenting}`)

  return {
    /** False when the tenant has subscribed already. */
    add: (use: AppUse, now: number): boolean => insert.run({ ...use, now }).changes === 1,
    find(use: AppUse): AppSubscription | undefined {
      const row = select.get(use)
      return row && toSubscription(row)
    },
    all: (): AppSubscription[] => selectAll.all().map(toSubscription),
    setConsent: (use: AppUse, consent: Consent | undefined): void =>
      void update.run({
        ...use,
        consentId: consent?.id ?? null,
        consented: consent ? JSON.stringify(consent.permissions) : null,
      }),
    /** False when the tenant has not subscribed. */
    remove: (use: AppUse): boolean => remove.run(use).changes === 1,
    /** Tenants that have consented. */
    tenantPage: (app: AppName, page: number, size: number) => ({
      rows: selectPage.all({ ...app, size, offset: page * size }).map(({ tenant }) => tenant),
      total: count.get(app)?.total ?? 0,
    }),
  }
}

function toSubscription({ consentId, consented, ...use }: Row): AppSubscription {
  if (consentId === null || consented === null) return { ...use, consent: undefined }
  return { ...use, consent: { id: consentId, permissions: JSON.parse(consented) as string[] } }
}
