-- Apps work on the data of tenants by technical tokens. Each belongs to the tenant that hosts it.
CREATE TABLE app (
  host       TEXT NOT NULL REFERENCES tenant (name),
  name       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (host, name)
) STRICT;

CREATE TABLE app_version (
  client_id   TEXT PRIMARY KEY,
  host        TEXT NOT NULL,
  app         TEXT NOT NULL,
  version     TEXT NOT NULL,
  permissions TEXT NOT NULL CHECK (json_valid(permissions)), -- what it asks for
  created_at  INTEGER NOT NULL,
  UNIQUE (host, app, version),
  FOREIGN KEY (host, app) REFERENCES app (host, name) ON DELETE CASCADE
) STRICT;

CREATE TABLE app_secret (
  id          TEXT PRIMARY KEY,
  client_id   TEXT NOT NULL REFERENCES app_version (client_id) ON DELETE CASCADE,
  secret_hash BLOB NOT NULL, -- SHA-256; the secret has 256 random bits
  created_at  INTEGER NOT NULL,
  ends_at     INTEGER        -- NULL for the one that no other has followed
) STRICT;

CREATE INDEX app_secret_client ON app_secret (client_id);

-- Tenants that use an app of another.
CREATE TABLE app_subscription (
  host       TEXT NOT NULL,
  app        TEXT NOT NULL,
  tenant     TEXT NOT NULL REFERENCES tenant (name),
  -- Both NULL without a consent. A new id with each, so that tokens from before it stay void.
  consent_id TEXT,
  consented  TEXT CHECK (json_valid(consented)), -- permissions
  created_at INTEGER NOT NULL,
  PRIMARY KEY (host, app, tenant),
  FOREIGN KEY (host, app) REFERENCES app (host, name) ON DELETE CASCADE,
  CHECK ((consent_id IS NULL) = (consented IS NULL))
) STRICT;
