CREATE TABLE tenant (
  name       TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL
) STRICT;

-- How a tenant's people and programs come in. Several may be in force.
CREATE TABLE service_credential (
  client_id   TEXT PRIMARY KEY,
  tenant      TEXT NOT NULL REFERENCES tenant (name),
  secret_hash BLOB NOT NULL, -- SHA-256; the secret has 256 random bits
  created_at  INTEGER NOT NULL
) STRICT;

-- Signs every token of this hub. The newest signs, the older ones still verify.
CREATE TABLE signing_key (
  kid         TEXT PRIMARY KEY,
  private_key TEXT NOT NULL, -- PKCS#8, PEM
  created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE agent (
  id               TEXT PRIMARY KEY, -- 32 lower-case hex digits
  tenant           TEXT NOT NULL REFERENCES tenant (name),
  name             TEXT NOT NULL,
  security_profile TEXT NOT NULL CHECK (security_profile IN ('SHARED_SECRET', 'RSA_3072')),
  entity_id        TEXT NOT NULL,
  etag             INTEGER NOT NULL DEFAULT 1,
  boarding_status  TEXT NOT NULL DEFAULT 'NOT_ONBOARDED'
                   CHECK (boarding_status IN ('NOT_ONBOARDED', 'ONBOARDING', 'ONBOARDED')),
  -- One more at each offboarding; access tokens carry it, so that the older ones end at once.
  generation       INTEGER NOT NULL DEFAULT 1,
  created_at       INTEGER NOT NULL,
  UNIQUE (tenant, name)
) STRICT;

-- The texts are not kept: the signature is deterministic, so they are signed again from these rows.
CREATE TABLE initial_access_token (
  agent_id   TEXT PRIMARY KEY REFERENCES agent (id) ON DELETE CASCADE,
  jti        TEXT NOT NULL UNIQUE,
  issued_at  INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT;

-- One row for each registration and rotation: a secret or key, and the registration access token (RAT)
-- handed out with it. Ids grow, so that of two rows of an agent the greater is the newer.
CREATE TABLE credential (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id        TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  rat_jti         TEXT NOT NULL UNIQUE,
  secret          TEXT,              -- the HMAC key itself, so it cannot be a hash
  jwk             TEXT,              -- public key, JSON
  issued_at       INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  presented_jti   TEXT NOT NULL,     -- of the IAT or RAT that obtained this row
  idempotency_key TEXT,
  superseded_at   INTEGER,           -- when a newer row was made
  rat_used_at     INTEGER,
  key_used_at     INTEGER,           -- when the secret or key first signed an accepted assertion
  CHECK ((secret IS NULL) <> (jwk IS NULL))
) STRICT;
CREATE INDEX credential_agent ON credential (agent_id, id);

-- Every version is kept; the greatest eTag is in force.
CREATE TABLE data_source_configuration (
  agent_id   TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  etag       INTEGER NOT NULL,
  document   TEXT NOT NULL, -- JSON: configurationId, dataSources
  created_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, etag)
) STRICT;

-- Agents that are gone while their readings are not yet.
CREATE TABLE removed_agent (
  id         TEXT PRIMARY KEY,
  removed_at INTEGER NOT NULL
) STRICT;
