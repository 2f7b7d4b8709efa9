-- The whole schema of auth.db. Times are epoch milliseconds of the box's clock, but for `ends_at`,
-- `minted_at` and `kept_until`, which are session time: it runs only forward (sessions/session-time.ts).

CREATE TABLE user (
  name TEXT PRIMARY KEY,
  roles TEXT NOT NULL CHECK (json_valid(roles)),
  password_hash TEXT NOT NULL, -- PHC string
  password_set_at INTEGER NOT NULL,
  must_change INTEGER NOT NULL CHECK (must_change IN (0, 1)), -- the password, at the next sign-in
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  epoch TEXT NOT NULL, -- a new one ends all sessions of the user
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Open sessions. How one ended stands in the audit.
CREATE TABLE session (
  id TEXT PRIMARY KEY,
  user TEXT NOT NULL,
  user_epoch TEXT NOT NULL,
  box_epoch TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  address TEXT,
  user_agent TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX session_user ON session (user);

-- The access tokens of a session: the newest, and for a moment the one before.
CREATE TABLE session_token (
  jti TEXT PRIMARY KEY,
  session TEXT NOT NULL REFERENCES session ON DELETE CASCADE,
  minted_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_token_session ON session_token (session);

-- Whom the throttle keeps out; what is not here is counted in memory.
CREATE TABLE lockout (
  subject TEXT PRIMARY KEY,
  ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- From where a user has signed in lately.
CREATE TABLE known_address (
  user TEXT NOT NULL,
  address TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (user, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  user TEXT,
  client_id TEXT,
  session TEXT,
  address TEXT,
  user_agent TEXT,
  request_id TEXT,
  reason TEXT,
  detail TEXT CHECK (json_valid(detail)),
  device_time INTEGER NOT NULL,
  server_time INTEGER
) STRICT;

CREATE INDEX audit_user ON audit (user, id);
CREATE INDEX audit_type ON audit (type, id);

CREATE TABLE app (
  client_id TEXT PRIMARY KEY,
  grants TEXT NOT NULL CHECK (json_valid(grants)),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE app_version (
  client_id TEXT NOT NULL REFERENCES app ON DELETE CASCADE,
  version TEXT NOT NULL,
  credential_id TEXT NOT NULL, -- a new one with each new secret or set of keys
  secret_hash BLOB CHECK (length(secret_hash) = 32), -- SHA-256
  keys TEXT CHECK (json_valid(keys)), -- public, JWK
  created_at INTEGER NOT NULL,
  PRIMARY KEY (client_id, version),
  CHECK ((secret_hash IS NULL) <> (keys IS NULL))
) STRICT, WITHOUT ROWID;

-- How the guard keeps an app.
CREATE TABLE gate (
  client_id TEXT PRIMARY KEY REFERENCES app ON DELETE CASCADE,
  path TEXT NOT NULL UNIQUE COLLATE NOCASE,
  upstream TEXT,
  roles TEXT NOT NULL CHECK (json_valid(roles)),
  methods TEXT NOT NULL CHECK (json_valid(methods)),
  rules TEXT NOT NULL CHECK (json_valid(rules)),
  public TEXT NOT NULL CHECK (json_valid(public)),
  withhold_token INTEGER NOT NULL CHECK (withhold_token IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
  kid TEXT PRIMARY KEY,
  private_jwk TEXT NOT NULL CHECK (json_valid(private_jwk)),
  created_at INTEGER NOT NULL,
  activated_at INTEGER, -- NULL: the next key
  kept_until INTEGER -- session time; NULL until it has been replaced
) STRICT, WITHOUT ROWID;

-- Technical tokens that were revoked before their end.
CREATE TABLE revoked_token (
  jti TEXT PRIMARY KEY,
  ends_at INTEGER NOT NULL -- session time
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
