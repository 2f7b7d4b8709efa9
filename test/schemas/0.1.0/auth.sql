PRAGMA foreign_keys = OFF;
PRAGMA user_version = 1;
PRAGMA application_id = 0;
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
CREATE TABLE role (
  name TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  permissions TEXT NOT NULL CHECK (json_valid(permissions)), -- category → levels
  owner TEXT,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE app_group (
  name TEXT PRIMARY KEY,
  apps TEXT NOT NULL CHECK (json_valid(apps)), -- client ids
  owner TEXT,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE reset_code (
  user TEXT PRIMARY KEY REFERENCES user ON DELETE CASCADE,
  hash BLOB NOT NULL CHECK (length(hash) = 32), -- SHA-256
  user_epoch TEXT NOT NULL,
  ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE second_factor (
  user TEXT PRIMARY KEY REFERENCES user ON DELETE CASCADE,
  secret BLOB NOT NULL CHECK (length(secret) = 20),
  last_step INTEGER NOT NULL, -- of the last code that was taken
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE recovery_code (
  user TEXT NOT NULL REFERENCES second_factor ON DELETE CASCADE,
  hash BLOB NOT NULL CHECK (length(hash) = 32), -- SHA-256
  PRIMARY KEY (user, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE break_glass (
  user TEXT PRIMARY KEY REFERENCES user ON DELETE CASCADE,
  hash BLOB CHECK (length(hash) = 32), -- SHA-256; NULL once it was used
  ends_at INTEGER NOT NULL,
  session TEXT -- that it has opened
) STRICT, WITHOUT ROWID;
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
CREATE TABLE session_token (
  jti TEXT PRIMARY KEY,
  session TEXT NOT NULL REFERENCES session ON DELETE CASCADE,
  minted_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE lockout (
  subject TEXT PRIMARY KEY,
  ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
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
CREATE TABLE audit_checkpoint (
  id INTEGER PRIMARY KEY, -- of the last entry that it covers
  after INTEGER NOT NULL, -- the checkpoint before; 0: none
  hash BLOB NOT NULL CHECK (length(hash) = 32), -- of that entry
  time INTEGER NOT NULL,
  bytes INTEGER NOT NULL, -- about what the entries since the one before take; not signed
  signature BLOB NOT NULL -- Ed25519
) STRICT;
CREATE TABLE audit_key (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  private_key TEXT NOT NULL -- PKCS #8, PEM
) STRICT;
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
CREATE TABLE hub_link (
  client_id TEXT NOT NULL,
  version TEXT NOT NULL,
  hub_client_id TEXT NOT NULL,
  hub_secret TEXT NOT NULL, -- shown to the hub, so it cannot be a hash
  PRIMARY KEY (client_id, version),
  FOREIGN KEY (client_id, version) REFERENCES app_version ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
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
CREATE TABLE revoked_token (
  jti TEXT PRIMARY KEY,
  ends_at INTEGER NOT NULL -- session time
) STRICT, WITHOUT ROWID;
CREATE TABLE setting (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE option (
  category TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  owner TEXT, -- who made it; NULL: the command line
  updated_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (category, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE sso_provider (
  name TEXT PRIMARY KEY,
  settings TEXT NOT NULL CHECK (json_valid(settings)),
  secret TEXT, -- client secret, or private key (PEM)
  owner TEXT, -- who made it; NULL: the command line
  updated_at INTEGER NOT NULL,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sso_link (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  user TEXT NOT NULL REFERENCES user ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE sso_session (
  session TEXT PRIMARY KEY REFERENCES session ON DELETE CASCADE,
  provider TEXT NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  sid TEXT, -- the provider's session
  id_token TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sso_message (
  issuer TEXT NOT NULL,
  jti TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, jti)
) STRICT, WITHOUT ROWID;
INSERT INTO "user" ("name", "alias", "profile", "owner", "delegated_by", "roles", "scoped_roles", "apps", "password_hash", "password_set_at", "must_change", "totp_required", "enabled", "valid_until", "epoch", "created_at", "updated_at", "revision") VALUES ('ann', NULL, '{}', NULL, NULL, '["Admin"]', '{}', NULL, '$argon2id$v=19$m=19456,t=2,p=1$JJPIZ7M4TeBDeywrIxZVNQ$5ptSTmjobpbvagDOXdiHVGyKIDDLuWHX4IrQRDP7xQY', 1795330826953, 0, 0, 1, NULL, '75412139-d3b9-40bd-8fbf-027d578d73c1', 1795330826953, 1795330826953, 1);
INSERT INTO "user" ("name", "alias", "profile", "owner", "delegated_by", "roles", "scoped_roles", "apps", "password_hash", "password_set_at", "must_change", "totp_required", "enabled", "valid_until", "epoch", "created_at", "updated_at", "revision") VALUES ('bob', 'robert', '{}', NULL, NULL, '["Viewer"]', '{}', NULL, '$argon2id$v=19$m=19456,t=2,p=1$8XqFt/9QJpHYp3GkTStsqQ$KVTEFyohnud2epjEqtzXf0XadvUwaYSl5wl/AnS48Kg', 1795330827072, 0, 0, 1, NULL, '5da71d4e-68f5-4661-bde3-a9ba80ef77e7', 1795330827072, 1795330827072, 1);
INSERT INTO "session" ("id", "user", "user_epoch", "box_epoch", "created_at", "ends_at", "address", "user_agent") VALUES ('b5cfa591-8b4b-42f0-915f-55d2d24d7f7f', 'ann', '75412139-d3b9-40bd-8fbf-027d578d73c1', '0b126671-3b39-47a6-8379-254da3d842e9', 1795330827150, 1796540427149, '127.0.0.1', 'node');
INSERT INTO "session_token" ("jti", "session", "minted_at", "ends_at") VALUES ('d8cd71c6-7e27-4a0e-899c-0e4ca25a3f9d', 'b5cfa591-8b4b-42f0-915f-55d2d24d7f7f', 1795330827149, 1795503626999);
INSERT INTO "known_address" ("user", "address", "seen_at") VALUES ('ann', '127.0.0.1', 1795330827148);
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (1, 'signing_key_rotated', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'first', '{"kids":["efjdHQPrzDtQNHDJbQLbWXfNxXTl2kyM3bBgOTV76Z8","xBTIP0Cdw7XTLyG0TwduEZUyK49sJGOPg2gxe6o6wqA"],"removed":[]}', 1795330825365, NULL, X'B7E4E9E1127C01DC61864F197A13611D4F2F0C96E99DA1ED385B05082C7015FF');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (2, 'app_secret_issued', NULL, 'press', NULL, NULL, NULL, NULL, 'machine', NULL, '{"version":"1.0.0"}', 1795330826730, NULL, X'AF7C0AE28357D6EB1F67840DC10C40973E6159EBE8E2057D75392E7C0E28886D');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (3, 'user_added', 'ann', NULL, NULL, NULL, NULL, NULL, 'machine', NULL, '{"roles":["Admin"]}', 1795330826954, NULL, X'E5EEC878509EABEF66FC264CA2AFFE3ADFBFF2D30D3AEB9B072586EB14F42D32');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (4, 'user_added', 'bob', NULL, NULL, NULL, NULL, NULL, 'machine', NULL, '{"roles":["Viewer"]}', 1795330827072, NULL, X'71D7B73090DF2707B3D114079E14C6A0D4B118F7E22F59751A0A8F64E9CA5156');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (5, 'option_changed', NULL, NULL, NULL, NULL, NULL, NULL, 'machine', 'created', '{"category":"line","key":"speed"}', 1795330827081, NULL, X'D65DE9C77D10FE068637F8C904F8351666C7974D51563DA12FBB94CA5B5D29BB');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (6, 'login', 'ann', NULL, 'b5cfa591-8b4b-42f0-915f-55d2d24d7f7f', '127.0.0.1', 'node', NULL, NULL, NULL, '{"method":"direct"}', 1795330827151, NULL, X'A355AF49F49BB11A74786803C25C2B2303E4DF866AEE13B7F8759461A8C3A184');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (7, 'token_issued', 'ann', NULL, 'b5cfa591-8b4b-42f0-915f-55d2d24d7f7f', NULL, NULL, NULL, NULL, NULL, '{"jti":"d8cd71c6-7e27-4a0e-899c-0e4ca25a3f9d"}', 1795330827151, NULL, X'F33E629687C6927EE249776D35DFDC5CC3EC7E0EAB72BA63DA6F20FA878DC589');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (8, 'login_failed', 'bob', NULL, NULL, '127.0.0.1', 'node', NULL, NULL, 'wrong_password', '{"method":"direct"}', 1795330827185, NULL, X'6E364573C8F98248BC9EEB1042C872E719DB345FDEEBA564813A0269E45EEA3B');
INSERT INTO "audit_checkpoint" ("id", "after", "hash", "time", "bytes", "signature") VALUES (8, 0, X'6E364573C8F98248BC9EEB1042C872E719DB345FDEEBA564813A0269E45EEA3B', 1795330827883, 1715, X'62804DD6354B02A40ABFEC8125A0306558432069951DBC0FF72A73AE1918D5885FAEA1BE0B69707E4CAE88BF0A629A2A7D37C7F0DA5C82945DE6A7695BF7D30E');
INSERT INTO "audit_key" ("id", "private_key") VALUES (1, '-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIFJP9gb/TBNxAN/3Qy+Vf1szCeDvasn8eETvJEQGEEXX
-----END PRIVATE KEY-----
');
INSERT INTO "retention_rule" ("id", "data_type", "fragment_type", "type", "source", "maximum_age", "editable", "owner", "updated_at", "revision") VALUES (1, '*', '*', '*', '*', 60, 1, NULL, 0, 1);
INSERT INTO "app" ("client_id", "grants", "access", "scopes", "enabled", "properties", "topics", "quota", "unit", "owner", "created_at", "revision") VALUES ('press', '[]', 'read_write', '[]', 1, '{}', '{"publish":[],"subscribe":[]}', '{"messages":null,"bytes":null}', NULL, NULL, 1795330826730, 1);
INSERT INTO "app_version" ("client_id", "version", "credential_id", "secret_hash", "keys", "old_credential_id", "old_secret_hash", "old_ends_at", "created_at") VALUES ('press', '1.0.0', 'cc6ef1d8-dcd1-46dd-8b57-b9aed4f676f2', X'74767506777C02CC100B85EB1FC512EE1486E164259BBC915C1E058276502DA1', NULL, NULL, NULL, NULL, 1795330826730);
INSERT INTO "signing_key" ("kid", "private_jwk", "created_at", "activated_at", "kept_until") VALUES ('efjdHQPrzDtQNHDJbQLbWXfNxXTl2kyM3bBgOTV76Z8', '{"kty":"EC","x":"W78OXvtN2LeTf07_pc1RL_xE5CzBXxGfSjvQVrTB5WQ","y":"NilXOHAVVD8KrnzcDcxcq8Nl7lAuWisG2MvN8ODpAEE","crv":"P-256","d":"e9qrIBH52SAo7RFWQ3OpnDdgasbgsDK4jXCu2yfMOXE"}', 1795330825361, 1795330825361, NULL);
INSERT INTO "signing_key" ("kid", "private_jwk", "created_at", "activated_at", "kept_until") VALUES ('xBTIP0Cdw7XTLyG0TwduEZUyK49sJGOPg2gxe6o6wqA', '{"kty":"EC","x":"WCoMAeA26D0XYf1aFkYvsSPasz-7VKtnuAf0JE9wZxk","y":"rQ5qmDbFNjkPbxglGZbBhAIj285wHSeZIRXzdsN9x7w","crv":"P-256","d":"hLJ2QBJ4RS3Op2mLPuvyGsg3fWNF7ZpZByQWBW-sdrg"}', 1795330825361, NULL, NULL);
INSERT INTO "setting" ("key", "value") VALUES ('box_epoch', '0b126671-3b39-47a6-8379-254da3d842e9');
INSERT INTO "setting" ("key", "value") VALUES ('box_id', '1cf575dc-56d0-4053-bfad-1920be7fa848');
INSERT INTO "setting" ("key", "value") VALUES ('retention_ran', '1795330825692');
INSERT INTO "setting" ("key", "value") VALUES ('session_time', '{"time":1795330827150,"clock":1795330827151,"monotonic":39314953.459674,"bootId":"e8c492cc-fa6f-4d7c-8489-98eba37682f2"}');
INSERT INTO "option" ("category", "key", "value", "owner", "updated_at", "revision") VALUES ('line', 'speed', '3', NULL, 1795330827081, 1);
CREATE INDEX session_user ON session (user);
CREATE INDEX session_token_session ON session_token (session);
CREATE INDEX audit_user ON audit (user, id);
CREATE INDEX audit_type ON audit (type, id);
CREATE INDEX sso_link_user ON sso_link (user);
