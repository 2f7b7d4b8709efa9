-- The whole schema of auth.db. Times are epoch milliseconds of the box's clock, but for `ends_at`,
-- `old_ends_at`, `minted_at`, `kept_until` and `valid_until`, which are session time: it runs only forward
-- (sessions/session-time.ts).

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

-- Each opens the choice of a new password, once.
CREATE TABLE reset_code (
  user TEXT PRIMARY KEY REFERENCES user ON DELETE CASCADE,
  hash BLOB NOT NULL CHECK (length(hash) = 32), -- SHA-256
  user_epoch TEXT NOT NULL,
  ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a user's authenticator app shares with this box. Checking a code takes all of it, so it is no hash.
CREATE TABLE second_factor (
  user TEXT PRIMARY KEY REFERENCES user ON DELETE CASCADE,
  secret BLOB NOT NULL CHECK (length(secret) = 20),
  last_step INTEGER NOT NULL, -- of the last code that was taken
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- For who has lost the app; each stands in for a code, once.
CREATE TABLE recovery_code (
  user TEXT NOT NULL REFERENCES second_factor ON DELETE CASCADE,
  hash BLOB NOT NULL CHECK (length(hash) = 32), -- SHA-256
  PRIMARY KEY (user, hash)
) STRICT, WITHOUT ROWID;

-- Each lets one administrator in when nothing else does, once.
CREATE TABLE break_glass (
  user TEXT PRIMARY KEY REFERENCES user ON DELETE CASCADE,
  hash BLOB CHECK (length(hash) = 32), -- SHA-256; NULL once it was used
  ends_at INTEGER NOT NULL,
  session TEXT -- that it has opened
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
  server_time INTEGER,
  hash BLOB NOT NULL CHECK (length(hash) = 32) -- SHA-256 of the hash before and of this row
) STRICT;

CREATE INDEX audit_user ON audit (user, id);
CREATE INDEX audit_type ON audit (type, id);

-- The box signs how far its audit has come.
CREATE TABLE audit_checkpoint (
  id INTEGER PRIMARY KEY, -- of the last entry that it covers
  after INTEGER NOT NULL, -- the checkpoint before; 0: none
  hash BLOB NOT NULL CHECK (length(hash) = 32), -- of that entry
  time INTEGER NOT NULL,
  bytes INTEGER NOT NULL, -- about what the entries since the one before take; not signed
  signature BLOB NOT NULL -- Ed25519
) STRICT;

-- Made at the first start.
CREATE TABLE audit_key (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  private_key TEXT NOT NULL -- PKCS #8, PEM
) STRICT;

-- What is removed when it has become old. Each rule works by itself.
CREATE TABLE retention_rule (
  id INTEGER PRIMARY KEY,
  data_type TEXT NOT NULL CHECK (data_type IN ('AUDIT', 'EVENT', 'ALARM', 'MEASUREMENT', '*')),
  fragment_type TEXT NOT NULL, -- here and below: * for all
  type TEXT NOT NULL,
  source TEXT NOT NULL,
  maximum_age INTEGER NOT NULL CHECK (maximum_age BETWEEN 1 AND 3650), -- days
  editable INTEGER NOT NULL CHECK (editable IN (0, 1)),
  owner TEXT, -- who made it; NULL: the command line
  updated_at INTEGER NOT NULL,
  revision INTEGER NOT NULL
) STRICT;

INSERT INTO retention_rule (data_type, fragment_type, type, source, maximum_age, editable, updated_at, revision)
VALUES ('*', '*', '*', '*', 60, 1, 0, 1);

-- How alarms of a type are told.
CREATE TABLE alarm_mapping (
  type TEXT PRIMARY KEY,
  severity TEXT CHECK (severity IN ('CRITICAL', 'MAJOR', 'MINOR', 'WARNING')),
  text TEXT,
  dropped INTEGER NOT NULL CHECK (dropped IN (0, 1)),
  owner TEXT,
  updated_at INTEGER NOT NULL,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE app (
  client_id TEXT PRIMARY KEY,
  grants TEXT NOT NULL CHECK (json_valid(grants)),
  access TEXT NOT NULL CHECK (access IN ('read_write', 'limited', 'custom')),
  scopes TEXT NOT NULL CHECK (json_valid(scopes)), -- with custom
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  properties TEXT NOT NULL CHECK (json_valid(properties)),
  topics TEXT NOT NULL CHECK (json_valid(topics)), -- publish, subscribe: filters beyond its own
  quota TEXT NOT NULL CHECK (json_valid(quota)), -- messages, bytes: in a second
  unit TEXT, -- of systemd
  owner TEXT, -- who made it; NULL: the command line
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE app_version (
  client_id TEXT NOT NULL REFERENCES app ON DELETE CASCADE,
  version TEXT NOT NULL,
  credential_id TEXT NOT NULL, -- a new one with each new secret or set of keys
  secret_hash BLOB CHECK (length(secret_hash) = 32), -- SHA-256
  keys TEXT CHECK (json_valid(keys)), -- public, JWK
  old_credential_id TEXT, -- the secret before, while it is good beside the new one
  old_secret_hash BLOB CHECK (length(old_secret_hash) = 32),
  old_ends_at INTEGER,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (client_id, version),
  CHECK ((secret_hash IS NULL) <> (keys IS NULL))
) STRICT, WITHOUT ROWID;

-- Which versions of apps are apps of the hub too.
CREATE TABLE hub_link (
  client_id TEXT NOT NULL,
  version TEXT NOT NULL,
  hub_client_id TEXT NOT NULL,
  hub_secret TEXT NOT NULL, -- shown to the hub, so it cannot be a hash
  PRIMARY KEY (client_id, version),
  FOREIGN KEY (client_id, version) REFERENCES app_version ON DELETE CASCADE
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

-- Settings that are changed while the box runs.
CREATE TABLE option (
  category TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  owner TEXT, -- who made it; NULL: the command line
  updated_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (category, key)
) STRICT, WITHOUT ROWID;

-- Identity providers of single sign-on.
CREATE TABLE sso_provider (
  name TEXT PRIMARY KEY,
  settings TEXT NOT NULL CHECK (json_valid(settings)),
  secret TEXT, -- client secret, or private key (PEM)
  owner TEXT, -- who made it; NULL: the command line
  updated_at INTEGER NOT NULL,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who is known there by this name is this user here; by nothing else, never by e-mail.
CREATE TABLE sso_link (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  user TEXT NOT NULL REFERENCES user ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX sso_link_user ON sso_link (user);

-- What the identity provider knows of a session.
CREATE TABLE sso_session (
  session TEXT PRIMARY KEY REFERENCES session ON DELETE CASCADE,
  provider TEXT NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  sid TEXT, -- the provider's session
  id_token TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Logout tokens that have been used.
CREATE TABLE sso_message (
  issuer TEXT NOT NULL,
  jti TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, jti)
) STRICT, WITHOUT ROWID;
