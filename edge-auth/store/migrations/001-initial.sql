-- The whole schema of auth.db. Times are epoch milliseconds of the box's clock, but for `ends_at`,
-- `minted_at` and `kept_until`, which are session time: it runs only forward (sessions/session-time.ts).

CREATE TABLE user (
  name TEXT PRIMARY KEY,
  alias TEXT UNIQUE, -- another name to sign in with
  profile TEXT NOT NULL CHECK (json_valid(profile)), -- firstName, lastName, email, phone
  owner TEXT, -- who made it; NULL: the command line
  delegated_by TEXT,
  roles TEXT NOT NULL CHECK (json_valid(roles)),
  scoped_roles TEXT NOT NULL CHECK (json_valid(scoped_roles)), -- app group → roles
  apps TEXT CHECK (json_valid(apps)), -- which the guard lets through; NULL: as their gates say
  password_hash TEXT, -- PHC string; NULL: signs in elsewhere
  password_set_at INTEGER NOT NULL,
  must_change INTEGER NOT NULL CHECK (must_change IN (0, 1)), -- the password, at the next sign-in
  totp_required INTEGER NOT NULL CHECK (totp_required IN (0, 1)),
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  valid_until INTEGER, -- service access; NULL: for good
  epoch TEXT NOT NULL, -- a new one ends all sessions of the user
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  revision INTEGER NOT NULL -- grows with each change
) STRICT, WITHOUT ROWID;

-- Roles beside the predefined ones.
CREATE TABLE role (
  name TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  permissions TEXT NOT NULL CHECK (json_valid(permissions)), -- category → levels
  owner TEXT,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Apps that users get roles for together.
CREATE TABLE app_group (
  name TEXT PRIMARY KEY,
  apps TEXT NOT NULL CHECK (json_valid(apps)), -- client ids
  owner TEXT,
  revision INTEGER NOT NULL
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
  actor TEXT, -- the administrator who did it
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
