PRAGMA foreign_keys = OFF;
PRAGMA user_version = 5;
PRAGMA application_id = 0;
CREATE TABLE tenant (
  name       TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE service_credential (
  client_id   TEXT PRIMARY KEY,
  tenant      TEXT NOT NULL REFERENCES tenant (name),
  secret_hash BLOB NOT NULL, -- SHA-256; the secret has 256 random bits
  created_at  INTEGER NOT NULL
) STRICT;
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
CREATE TABLE initial_access_token (
  agent_id   TEXT PRIMARY KEY REFERENCES agent (id) ON DELETE CASCADE,
  jti        TEXT NOT NULL UNIQUE,
  issued_at  INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT;
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
CREATE TABLE data_source_configuration (
  agent_id   TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  etag       INTEGER NOT NULL,
  document   TEXT NOT NULL, -- JSON: configurationId, dataSources
  created_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, etag)
) STRICT;
CREATE TABLE removed_agent (
  id         TEXT PRIMARY KEY,
  removed_at INTEGER NOT NULL
) STRICT;
CREATE TABLE data_point_mapping (
  id                TEXT PRIMARY KEY,
  agent_id          TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  data_point_id     TEXT NOT NULL,
  entity_id         TEXT NOT NULL,
  property_set_name TEXT NOT NULL,
  property_name     TEXT NOT NULL,
  property_type     TEXT, -- NULL where the data point was not known yet
  property_unit     TEXT,
  keep_mapping      INTEGER NOT NULL CHECK (keep_mapping IN (0, 1)),
  UNIQUE (agent_id, data_point_id, entity_id, property_set_name)
) STRICT;
CREATE TABLE event_mapping (
  id                     TEXT PRIMARY KEY,
  agent_id               TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  asset_id               TEXT NOT NULL,
  event_type_id          TEXT NOT NULL,
  event_type_name        TEXT,
  event_type_field_name  TEXT,
  event_type_field_value TEXT,
  etag                   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE diagnostic_activation (
  id       TEXT PRIMARY KEY,
  agent_id TEXT NOT NULL UNIQUE REFERENCES agent (id) ON DELETE CASCADE,
  status   TEXT NOT NULL CHECK (status IN ('ACTIVE', 'INACTIVE'))
) STRICT;
CREATE TABLE asset (
  id          TEXT PRIMARY KEY, -- 32 lower-case hex digits
  tenant      TEXT NOT NULL REFERENCES tenant (name),
  parent_id   TEXT,             -- NULL for the root, of which each tenant has one
  name        TEXT NOT NULL,
  type_id     TEXT NOT NULL,
  description TEXT,
  etag        INTEGER NOT NULL DEFAULT 0
) STRICT;
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
CREATE TABLE command (
  id          TEXT PRIMARY KEY,
  agent_id    TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  kind        TEXT NOT NULL,
  params      TEXT NOT NULL CHECK (json_valid(params)),
  asked_by    TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'received', 'executing',
                                             'executed', 'failed', 'rejected', 'expired', 'cancelled')),
  sent_at     INTEGER, -- the last time
  changed_at  INTEGER NOT NULL,
  finished_at INTEGER,
  response    TEXT CHECK (json_valid(response)), -- of the box; what came after the end has `late`
  CHECK ((finished_at IS NULL) = (state IN ('waiting', 'sent', 'received', 'executing')))
) STRICT;
CREATE TABLE command_reach (
  agent_id TEXT PRIMARY KEY REFERENCES agent (id) ON DELETE CASCADE,
  since    INTEGER NOT NULL
) STRICT;
INSERT INTO "tenant" ("name", "created_at") VALUES ('plant', 1795333544162);
INSERT INTO "service_credential" ("client_id", "tenant", "secret_hash", "created_at") VALUES ('2d6fea8a-4603-4833-be5f-f5810542177e', 'plant', X'DC6CBED1CB7ECD14574AE3137FD3B9A7082CA31C1ADD8FA854D0BED63EEF9F85', 1795333544162);
INSERT INTO "signing_key" ("kid", "private_key", "created_at") VALUES ('eWjAQe434xPkHcIOwqgVMobBHrhFXKODvMRoH_hEPzo', '-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCvrZlyp8FcyYnx
ziWksh1EKhjw69bMAp9ntXQco+FmZhTUYwLVqQxSBWIV8xBc3cPciB4k5DmdLgqa
wT1Yp57JsYZFWf9MmIbzDKzI4ULERL2AJPapN4g2rCajk4d13omyEUl0NEi98lfH
SAwH8QlM8tPJdtA0YgJ0B6u7rf/bjjtF/cboiAjEB+x3D8rE9pRi4fzn6Xqpy+m/
rNgL9S2nfiYXqlI4pZ4pNu4XjXbcAcBrNRr7hDiIfIUZudnwXDr9KzLiGQxgjK0j
pu2K6ecdYC5UTf8dcDAZYu0dmbc9vPjX4eY6f9n6Xs+SWuOKrfTHgNgauTqIYUzi
mvk1SfvZAgMBAAECggEAF+Nbs78C6IqRItu8u6Xqm9u7k3sGNKyAn3oJhWF1Y1ar
K2whNQttHPQVb9Wi2nXfTawGqU6NVQWvNHblUBpO2a81ilWgBPrSktcc4Z3b1dNh
Dz03ezANah3DjUegylLN13RJUC9R2t5KuFLgK+5HLPrx+Hma+xx+p+dpHzacTW7S
iBL/LIme0hhJ1BtQCCV6/6aFJttqb7xKQ3rNrDF0KGqQhqmdeF9TmeQX1brW3V7M
Gv4N8yARo0HmZuQjBWFcJ06DVbbi5VXIAMwYdq6XxWWBp8rQwWef6qmLzk6yMSMk
k7PGi2Y816TcxbZkimMPpM4iNRIv1idxi05fRb6EGQKBgQDZnGc1SLI3ESKxHYRF
QApF6abJgEFDU1REgBT3Y8ebB3iM/b83HTkN+AkL3Lpu6aFcb9JYJDp/ymYBURo+
7JhWHY783ihKgoob1ce0RS3mwx2Wu574YOU4p8vBNj6C0opRv2Mdb/YMXk9smnGO
rJO1NofZBeaTdIIp0BrdsJdorQKBgQDOq3RgbbLDEhQ3iDjic7cdTbz3TB7SOp/c
/DoJZE6ZQBilSg+HHufnL3M1rBbwU8VAYYi9YLA2Nl3TJddaRzDTWGNFKY1Q3Q6U
gUalxBo9zL5J8F+b/spi6tG3x4MtpNuIO6lHW2K98UXMPG9Ofx0xIoYlU0rn/Z1V
EHaVDwJpXQKBgCXaVvml05pQmMBGaiPBqAfRRPn4HWIgtJ/Vx8/gw2/sNMQRv5lO
tAYCB1DQ7H0ulqsFqIk8hBCGnIfOG8qmTTltmtnRqyCK5ItC/KIXBo0Fk7gMmvKJ
qFXamk7ZqLYI+ZaOvCb6usob/aTemLJAwtDa03ak2B7+PUYYtROrDCthAoGAdL0e
iJWOY2fj6ZZV43xPlArkUaA6zK92u6Hxunphd2lgQoV6De4kOk9wOYISlwAKrJor
XiWug4DkMK/wXDtYVhlYQan9/A5R/Qqk+F+0HvJ3Dlbr+rbKZWOUwMW+0FqN8v8Y
WIlDVl1h+sKscN+Wgrmooo7RAggdBf69rOcEirUCgYBSl9/3qD/VPVXoFhVeJhk4
yxfsaD1URnaO1utYiLz8oLDWgocV10k2JfiNCp5K2sTuGOu+7W0oMIMNBGsAkQI4
EJLD5Mryv5OeoVjXGf4OmUJXYxb6sFXIZubcu3tBSV9ekC6itZAjRI+pF5dSxrqp
uNGPbYAblbn6DyydYpDMTA==
-----END PRIVATE KEY-----
', 1795333544082);
INSERT INTO "agent" ("id", "tenant", "name", "security_profile", "entity_id", "etag", "boarding_status", "generation", "created_at") VALUES ('d87cd0b46abc4d1917c274bb55c4c1ae', 'plant', 'box', 'SHARED_SECRET', '19044f63990f63eaacdc56cb63b9b060', 1, 'ONBOARDED', 1, 1795333545707);
INSERT INTO "initial_access_token" ("agent_id", "jti", "issued_at", "expires_at", "used_at") VALUES ('d87cd0b46abc4d1917c274bb55c4c1ae', '3df8556b-5282-4302-b57d-5671bc5a0733', 1795333545708, 1795938345708, 1795333545764);
INSERT INTO "credential" ("id", "agent_id", "rat_jti", "secret", "jwk", "issued_at", "expires_at", "presented_jti", "idempotency_key", "superseded_at", "rat_used_at", "key_used_at") VALUES (1, 'd87cd0b46abc4d1917c274bb55c4c1ae', 'bda4d170-3e1c-41d4-97c5-3d60b179d7d5', 'YmpTEEe9Ucxctrn9cYbIhuNA4udM7nFp3xNBOUHg_mE', NULL, 1795333545764, 1795938345764, '3df8556b-5282-4302-b57d-5671bc5a0733', '9b8f034e-11dc-465d-9e90-e9d77684816b', NULL, NULL, 1795333545789);
INSERT INTO "data_source_configuration" ("agent_id", "etag", "document", "created_at") VALUES ('d87cd0b46abc4d1917c274bb55c4c1ae', 1, '{"configurationId":"plant-1","dataSources":[{"name":"line","customData":{"protocol":"mqtt"},"dataPoints":[{"id":"n","name":"count","type":"LONG","unit":"","customData":{"topic":"apps/press/m","pointer":"/n"}},{"id":"x","name":"level","type":"DOUBLE","unit":"mm","customData":{"topic":"apps/press/m","pointer":"/x"}}]}]}', 1795333545892);
INSERT INTO "command_reach" ("agent_id", "since") VALUES ('d87cd0b46abc4d1917c274bb55c4c1ae', 1795333545909);
CREATE INDEX credential_agent ON credential (agent_id, id);
CREATE INDEX event_mapping_agent ON event_mapping (agent_id, event_type_id);
CREATE UNIQUE INDEX asset_root ON asset (tenant) WHERE parent_id IS NULL;
CREATE INDEX app_secret_client ON app_secret (client_id);
CREATE INDEX command_of_agent ON command (agent_id, created_at);
CREATE INDEX open_command ON command (expires_at) WHERE finished_at IS NULL;
