PRAGMA foreign_keys = OFF;
PRAGMA user_version = 4;
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
INSERT INTO "tenant" ("name", "created_at") VALUES ('plant', 1795330818676);
INSERT INTO "service_credential" ("client_id", "tenant", "secret_hash", "created_at") VALUES ('faa397f4-7680-4ca5-9aad-22151007b6f7', 'plant', X'03C85CA221C5C4AB4762EBB4EDBBCAF9D8383139DCB53E58BEE411C38E9FDFCE', 1795330818676);
INSERT INTO "signing_key" ("kid", "private_key", "created_at") VALUES ('EcDdJKFgCokCZs3QBFu_kX5-rwSvyJ0XGejNwlMwSjM', '-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC4R6DtdSG8aEPP
BG2Tmr39TScHQzk+WDMTmKV29Q7Nn7u+Kebl8GBNVaROx63NOZzZqec1uIdL3D40
Lm8qnIppVIO3yDmtG3Ax61JKnjaHMWAzonZhWihAZ4h/0YKuKsSWak1fpBcpWrtm
vtbZXTcOH+q8wkxui6bgUYffba+8IqyoT/vO8L+FzhF5nqbH/459a4GGxmGIu6qg
mGmXGsJGblTtOZpdI9ubpJuel+9b33RJJ161HJrxGcX2L1OqrSck3L6V9UpEXZFz
xIkqtUveGlPgxJcZvd/VYxg+iwpsvkENREzMdmovrHCHrCupTOPjTupXGH3mfpFi
uNNDhe4rAgMBAAECggEARY+QQSJmXirTcdkfjcirL+sIMPcgrBZ6DUshJoLBmD/U
DCfgB2sRxw9taul4A1Bck1NNuhsSQ0H7XxIqF2Eo5DKpV93mW6BQXR+RnCYVujma
sVMBsaTpLcqHHYyV8i2lsIum8lPMBGnB9LpT+o/zwMqufpsvY8kmcGWGTwImBHNC
nMPF3yH/uVDrVO4fAJTfSJZHFsKoTnsLSwC8vNZEFEVTyKQx8rxBRfBcjzcAMF2K
ZKExoU3yLCbb8DLjVsGfyCO3kH5PHp9LYJZsTb5h3L+uLne1/XoX80vvAuzcE06V
aDXXHZPQbQdfJT+mrIiyKyLAGqWIhml+3nnLK0UCiQKBgQD6/clDGcEcYF65B8Xq
oS/7GcgqCnUMe7BwyW4HX68jMy+C84bb/Qpyh/PJYEXkS7YaPRkz/CFDj2reC0m6
xjHU5+QKECyT6dNnRgrVbGcpB6Th6G8jqjZKnfkilm4qkqnsQJvTt3E2rFHYQG/+
5EIIHB/GWIkgadN/7gImcgmPMwKBgQC79Qo7Ehqy+Hm7zLxYYyR0E2r3xjo7+HZ2
Qhqe7HZ+Or7fvSafUi8XBhDbr3ew7RgZOqcPOjHArIbM5dAABDRjiabpGY7pOfGR
z/Oh+UXTShhCjtxF//BAPOJXunt1FQgePDxHWr9cY+mwQ6V1bY9JvX/APQaYijAg
zs2+twYFKQKBgH3gceO5MuRsYJUjlNsLY+jnEUAkZneQQPkPzKLeFhPtQ9LFF8mU
qnyuOlGwetz4K6gVJGKx/GzJrKsXti5539wLQI7bdb/o8SFGO4C2ETa+oq65x6N3
Zisd9yilkTLAw3+9F2mjAqCM4681AfYvu/4dPMJY/MzIxk3OrD1jy++JAoGAFQK5
WA0YCvWXthSW4VKD2q3pATWZgOavZ1zQWP+Z51Zty9j7Hkgzl2FINSaSPKbkUL2r
uxoIQb+HehQegkH2EUJr9Ba1UQD3LhOO6oZQ9eOMfrQ1j2Wi16t2qdPgxR/KvoaB
PoC4b32Du/5z2oKax+V1CGpJ+HdKFgDIIw+WjrECgYEA+huOpu4h902CgCZhthx2
dKV0Ug6angVCPXRQQlHABSQ8po3xwueFtFAkNNrEiyOQwIWp7GvaP7NP0UuVFh5J
jxODkQkIOOrFBsnIMY8IMss2nh+3/gfHzdQWxJF+N/FmmV37QgrdwEUAaJIGkClU
j/Vp7LZZu6CZsVEemTNSheA=
-----END PRIVATE KEY-----
', 1795330818478);
INSERT INTO "agent" ("id", "tenant", "name", "security_profile", "entity_id", "etag", "boarding_status", "generation", "created_at") VALUES ('e848f4c8e4bb209797c6434682defe8e', 'plant', 'box', 'SHARED_SECRET', '0ee167ef17dae1165097cbc6cb8f564e', 1, 'ONBOARDED', 1, 1795330826228);
INSERT INTO "initial_access_token" ("agent_id", "jti", "issued_at", "expires_at", "used_at") VALUES ('e848f4c8e4bb209797c6434682defe8e', 'b28cdb0c-2cc9-4830-88a3-83f2f20b4524', 1795330826234, 1795935626234, 1795330826459);
INSERT INTO "credential" ("id", "agent_id", "rat_jti", "secret", "jwk", "issued_at", "expires_at", "presented_jti", "idempotency_key", "superseded_at", "rat_used_at", "key_used_at") VALUES (1, 'e848f4c8e4bb209797c6434682defe8e', 'ef7eaf58-f6bb-4d9f-be4b-03490236cf38', 'tlP7jvB9ad3HHAFuRDN3SjX1qmTb8oaKl3F6kM5phRo', NULL, 1795330826459, 1795935626459, 'b28cdb0c-2cc9-4830-88a3-83f2f20b4524', 'de8283dc-f734-489c-884d-cbbdb744ca40', NULL, NULL, 1795330826616);
INSERT INTO "data_source_configuration" ("agent_id", "etag", "document", "created_at") VALUES ('e848f4c8e4bb209797c6434682defe8e', 1, '{"configurationId":"plant-1","dataSources":[{"name":"line","customData":{"protocol":"mqtt"},"dataPoints":[{"id":"n","name":"count","type":"LONG","unit":"","customData":{"topic":"apps/press/m","pointer":"/n"}},{"id":"x","name":"level","type":"DOUBLE","unit":"mm","customData":{"topic":"apps/press/m","pointer":"/x"}}]}]}', 1795330826771);
INSERT INTO "command_reach" ("agent_id", "since") VALUES ('e848f4c8e4bb209797c6434682defe8e', 1795330826747);
CREATE INDEX credential_agent ON credential (agent_id, id);
CREATE INDEX event_mapping_agent ON event_mapping (agent_id, event_type_id);
CREATE UNIQUE INDEX asset_root ON asset (tenant) WHERE parent_id IS NULL;
CREATE INDEX app_secret_client ON app_secret (client_id);
CREATE INDEX command_of_agent ON command (agent_id, created_at);
