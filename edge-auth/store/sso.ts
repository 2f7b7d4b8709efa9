import type { Database } from '../../core/sqlite.ts'

/** An identity provider; what the settings say is checked by who makes them. */
export interface SsoProvider {
  readonly name: string
  /** JSON. */
  readonly settings: string
  /** Client secret, or private key (PEM); leaves the box for the provider only. */
  readonly secret: string | null
  readonly owner: string | null
  readonly updatedAt: number
  readonly revision: number
}

/** Who the provider knows by this name is this user. */
export interface SsoLink {
  readonly issuer: string
  readonly subject: string
  readonly user: string
  readonly createdAt: number
}

/** What the provider knows of a session of ours. */
export interface SsoSession {
  /** Of ours. */
  readonly session: string
  readonly provider: string
  readonly issuer: string
  readonly subject: string
  /** The provider's own session. */
  readonly sid: string | null
  /** By which signing out is asked for. */
  readonly idToken: string
}

/** A message of the provider that must not count twice. */
export interface SsoMessage {
  readonly issuer: string
  readonly jti: string
  /** By the box's clock. */
  readonly seenAt: number
}

export function ssoTables(db: Database) {
  const put = db.prepare<SsoProvider>(`
    INSERT INTO sso_provider (name, settings, secret, owner, updated_at, revision)
    VALUES (@name, @settings, @secret, @owner, @updatedAt, @revision)
    ON CONFLICT (name) DO UPDATE
       SET settings = @settings, secret = @secret, updated_at = @updatedAt, revision = @revision`)
  const remove = db.prepare<[string]>(`DELETE FROM sso_provider WHERE name = ?`)
  const disown = db.prepare<[string]>(`UPDATE sso_provider SET owner = NULL WHERE owner = ?`)
  const providers = db.prepare<[], SsoProvider>(`
    SELECT name, settings, secret, owner, updated_at AS updatedAt, revision FROM sso_provider ORDER BY name`)
  const link = db.prepare<SsoLink>(`
    INSERT INTO sso_link (issuer, subject, user, created_at) VALUES (@issuer, @subject, @user, @createdAt)`)
  const unlink = db.prepare<[string, string]>(`DELETE FROM sso_link WHERE issuer = ? AND subject = ?`)
  const links = db.prepare<[], SsoLink>(`
    SELECT issuer, subject, user, created_at AS createdAt FROM sso_link ORDER BY user, issuer, subject`)
  const open = db.prepare<SsoSession>(`
    INSERT INTO sso_session (session, provider, issuer, subject, sid, id_token)
    VALUES (@session, @provider, @issuer, @subject, @sid, @idToken)`)
  const columns = `session, provider, issuer, subject, sid, id_token AS idToken`
  const ofSession = db.prepare<[string], SsoSession>(`SELECT ${columns} FROM sso_session WHERE session = ?`)
  const ofProvider = db.prepare<[string], SsoSession>(
    `SELECT ${columns} FROM sso_session WHERE provider = ? ORDER BY session`,
  )
  const note = db.prepare<SsoMessage>(`
    INSERT INTO sso_message (issuer, jti, seen_at) VALUES (@issuer, @jti, @seenAt)`)
  const seen = db.prepare<[string, string]>(`SELECT 1 FROM sso_message WHERE issuer = ? AND jti = ?`)
  const forget = db.prepare<[number]>(`DELETE FROM sso_message WHERE seen_at < ?`)

  return {
    put: (provider: SsoProvider): void => void put.run(provider),
    remove: (name: string): void => void remove.run(name),
    disown: (owner: string): void => void disown.run(owner),
    providers: (): SsoProvider[] => providers.all(),
    link: (one: SsoLink): void => void link.run(one),
    unlink: (issuer: string, subject: string): void => void unlink.run(issuer, subject),
    links: (): SsoLink[] => links.all(),
    open: (session: SsoSession): void => void open.run(session),
    ofSession: (session: string): SsoSession | undefined => ofSession.get(session),
    ofProvider: (provider: string): SsoSession[] => ofProvider.all(provider),
    wasSeen: (issuer: string, jti: string): boolean => seen.get(issuer, jti) !== undefined,
    /** What was seen before `oldest` is forgotten. */
    note(message: SsoMessage, oldest: number): void {
      forget.run(oldest)
      note.run(message)
    },
  }
}
