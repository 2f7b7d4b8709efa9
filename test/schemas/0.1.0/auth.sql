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
INSERT INTO "user" ("name", "alias", "profile", "owner", "delegated_by", "roles", "scoped_roles", "apps", "password_hash", "password_set_at", "must_change", "totp_required", "enabled", "valid_until", "epoch", "created_at", "updated_at", "revision") VALUES ('ann', NULL, '{}', NULL, NULL, '["Admin"]', '{}', NULL, '$argon2id$v=19$m=19456,t=2,p=1$3EAw6qEIUsJPHZnfz45aNw$hPUY/gYZI3wa3hv+cz6W0/hHB4NopUsVDW8xv2WCZnM', 1795333546077, 0, 0, 1, NULL, '674fc654-bbf5-4c02-8257-1cbcaa398dea', 1795333546077, 1795333546077, 1);
INSERT INTO "user" ("name", "alias", "profile", "owner", "delegated_by", "roles", "scoped_roles", "apps", "password_hash", "password_set_at", "must_change", "totp_required", "enabled", "valid_until", "epoch", "created_at", "updated_at", "revision") VALUES ('bob', 'robert', '{}', NULL, NULL, '["Viewer"]', '{}', NULL, '$argon2id$v=19$m=19456,t=2,p=1$7PnfboHh4jdOMX0ms0htIA$v2ShVRLx5xRhsTRGuZnPGkRZLe4bqWPRItGTJJQeW+w', 1795333546098, 0, 0, 1, NULL, '3bc7675a-8a46-4cfb-a957-70de16784c48', 1795333546098, 1795333546098, 1);
INSERT INTO "session" ("id", "user", "user_epoch", "box_epoch", "created_at", "ends_at", "address", "user_agent") VALUES ('afd68252-0617-4b39-9daf-4e7dda32f934', 'ann', '674fc654-bbf5-4c02-8257-1cbcaa398dea', '7933f2c8-83e8-4e11-bb7b-487ca2004f1c', 1795333546140, 1796543146139, '127.0.0.1', 'node');
INSERT INTO "session_token" ("jti", "session", "minted_at", "ends_at") VALUES ('404da85e-6cdf-4013-a295-eefad2460e96', 'afd68252-0617-4b39-9daf-4e7dda32f934', 1795333546139, 1795506345999);
INSERT INTO "known_address" ("user", "address", "seen_at") VALUES ('ann', '127.0.0.1', 1795333546139);
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (1, 'signing_key_rotated', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'first', '{"kids":["LKT97c3mxaEAkfP335vQeJkt85glo0m8l9e7JMo6f9Q","8uVO1TFgxeFrBw3_8RIz27SQUSnEmLTUddtyWE6LQyo"],"removed":[]}', 1795333545577, NULL, X'6A1C2A1DAE924EFB9FBB092F3602E4887C8CC83ECE876ED6496C965727FF8AC7');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (2, 'app_secret_issued', NULL, 'press', NULL, NULL, NULL, NULL, 'machine', NULL, '{"version":"1.0.0"}', 1795333545835, NULL, X'10D7843EBA26EC59913F5D7EF89292F51B9C9E5A7D49D016D0A964ED5F23243C');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (3, 'user_added', 'ann', NULL, NULL, NULL, NULL, NULL, 'machine', NULL, '{"roles":["Admin"]}', 1795333546078, NULL, X'BFBD6065407417612A00F78DBD3C19D55B3A174BF80FF64A337561E3A6F0F0BA');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (4, 'user_added', 'bob', NULL, NULL, NULL, NULL, NULL, 'machine', NULL, '{"roles":["Viewer"]}', 1795333546098, NULL, X'DA73958EF404AFCFF4F2FB4182576586C94BF44A7506EBA617216AF7274B2E00');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (5, 'option_changed', NULL, NULL, NULL, NULL, NULL, NULL, 'machine', 'created', '{"category":"line","key":"speed"}', 1795333546104, NULL, X'82CFBEE15A3865ADD06FC41692CCC8C8334D9609E84752B5822D63C68DDA09DC');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (6, 'login', 'ann', NULL, 'afd68252-0617-4b39-9daf-4e7dda32f934', '127.0.0.1', 'node', NULL, NULL, NULL, '{"method":"direct"}', 1795333546142, NULL, X'749C27B7D3D9793DF88A086361DB9F643A0293C49AFEE764D64F7461F9CFD34C');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (7, 'token_issued', 'ann', NULL, 'afd68252-0617-4b39-9daf-4e7dda32f934', NULL, NULL, NULL, NULL, NULL, '{"jti":"404da85e-6cdf-4013-a295-eefad2460e96"}', 1795333546142, NULL, X'15E8BEF7BB314477E9F361ACEC3850EA8034FA50B4F11DF571FFA697F7E760A4');
INSERT INTO "audit" ("id", "type", "user", "client_id", "session", "address", "user_agent", "request_id", "actor", "reason", "detail", "device_time", "server_time", "hash") VALUES (8, 'login_failed', 'bob', NULL, NULL, '127.0.0.1', 'node', NULL, NULL, 'wrong_password', '{"method":"direct"}', 1795333546164, NULL, X'C466E12C0E9D7E2DC08B72D4791880C23DDB806CB9C57AA3F8AA54B87F39F205');
INSERT INTO "audit_checkpoint" ("id", "after", "hash", "time", "bytes", "signature") VALUES (8, 0, X'C466E12C0E9D7E2DC08B72D4791880C23DDB806CB9C57AA3F8AA54B87F39F205', 1795333546687, 1715, X'90F76322ADE1DF2CEB3A7A5D40BF18A286ADEDCD350DA30BB293D6C0EA098B0EAC6F736BCB668CFA885BF86791A893DC8631B51BB5930F0872AD7ADC477EE902');
INSERT INTO "audit_key" ("id", "private_key") VALUES (1, '-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIN16FiiIF2ONFGDCNE4kGLfim2eHFPe0RAjdxbvc8mDY
-----END PRIVATE KEY-----
');
INSERT INTO "retention_rule" ("id", "data_type", "fragment_type", "type", "source", "maximum_age", "editable", "owner", "updated_at", "revision") VALUES (1, '*', '*', '*', '*', 60, 1, NULL, 0, 1);
INSERT INTO "app" ("client_id", "grants", "access", "scopes", "enabled", "properties", "topics", "quota", "unit", "owner", "created_at", "revision") VALUES ('press', '[]', 'read_write', '[]', 1, '{}', '{"publish":[],"subscribe":[]}', '{"messages":null,"bytes":null}', NULL, NULL, 1795333545834, 1);
INSERT INTO "app_version" ("client_id", "version", "credential_id", "secret_hash", "keys", "old_credential_id", "old_secret_hash", "old_ends_at", "created_at") VALUES ('press', '1.0.0', '83debc2f-419f-4a6a-ba36-125aa6086f02', X'34199FB997956AB8BBD4C9FDE0009A8F860B3BD4D472BF188CCE783F92D5B472', NULL, NULL, NULL, NULL, 1795333545835);
INSERT INTO "signing_key" ("kid", "private_jwk", "created_at", "activated_at", "kept_until") VALUES ('8uVO1TFgxeFrBw3_8RIz27SQUSnEmLTUddtyWE6LQyo', '{"kty":"EC","x":"rGN7HMStrN_lV9dmPx4RUo9ssqQmjz-5ikt78xOVkTg","y":"l0HH6cFV3TaBk6ou4lq7olKhR-OESz_CSFhKDSII0Xw","crv":"P-256","d":"dx6lywVrr3u7s4souOeMuIDJ13ZN-UDivJONBeCrTEU"}', 1795333545570, NULL, NULL);
INSERT INTO "signing_key" ("kid", "private_jwk", "created_at", "activated_at", "kept_until") VALUES ('LKT97c3mxaEAkfP335vQeJkt85glo0m8l9e7JMo6f9Q', '{"kty":"EC","x":"ypbUzIsrzRmZmHFdibatty-fFakWh0fpMHYxoTTdHJE","y":"dql76TSwxUaBX4waXoOXF513-chuydD0kiOARQeYXu4","crv":"P-256","d":"ieA8nHDiPeW5AxT3BZymdlKPLwFJIdjd-7thF0Wq_mo"}', 1795333545570, 1795333545570, NULL);
INSERT INTO "setting" ("key", "value") VALUES ('box_epoch', '7933f2c8-83e8-4e11-bb7b-487ca2004f1c');
INSERT INTO "setting" ("key", "value") VALUES ('box_id', 'c0dfedfc-8a2e-47eb-b091-978aa7acf5a6');
INSERT INTO "setting" ("key", "value") VALUES ('retention_ran', '1795333545652');
INSERT INTO "setting" ("key", "value") VALUES ('session_time', '{"time":1795333546141,"clock":1795333546142,"monotonic":42033944.075709,"bootId":"e8c492cc-fa6f-4d7c-8489-98eba37682f2"}');
INSERT INTO "option" ("category", "key", "value", "owner", "updated_at", "revision") VALUES ('line', 'speed', '3', NULL, 1795333546104, 1);
CREATE INDEX session_user ON session (user);
CREATE INDEX session_token_session ON session_token (session);
CREATE INDEX audit_user ON audit (user, id);
CREATE INDEX audit_type ON audit (type, id);
CREATE INDEX sso_link_user ON sso_link (user);
