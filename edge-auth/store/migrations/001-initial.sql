CREATE TABLE user (
  name TEXT PRIMARY KEY,
  roles TEXT NOT NULL CHECK (json_valid(roles)),
  password_hash TEXT NOT NULL, -- PHC string
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- No reference to user: how a session ended stays readable after its user is gone.
CREATE TABLE session (
  id TEXT PRIMARY KEY,
  jti TEXT NOT NULL UNIQUE,
  user TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  address TEXT,
  user_agent TEXT,
  ended_at INTEGER,
  end_reason TEXT,
  CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX session_live ON session (user) WHERE ended_at IS NULL;
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE app (
  client_id TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE app_version (
  client_id TEXT NOT NULL REFERENCES app ON DELETE CASCADE,
  version TEXT NOT NULL,
  secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32), -- SHA-256
  created_at INTEGER NOT NULL,
  PRIMARY KEY (client_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
  kid TEXT PRIMARY KEY,
  private_jwk TEXT NOT NULL CHECK (json_valid(private_jwk)),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
