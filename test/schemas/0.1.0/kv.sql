PRAGMA foreign_keys = OFF;
PRAGMA user_version = 1;
PRAGMA application_id = 0;
CREATE TABLE owner (
  id INTEGER PRIMARY KEY,
  client_id TEXT NOT NULL,
  since INTEGER NOT NULL,
  UNIQUE (client_id, since)
) STRICT;
CREATE TABLE token (
  owner INTEGER NOT NULL REFERENCES owner,
  related_id BLOB NOT NULL,
  key BLOB NOT NULL,
  content BLOB NOT NULL UNIQUE, -- names its chunks; a new one with each value
  chunks INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  seal BLOB NOT NULL, -- over all of the above
  PRIMARY KEY (owner, related_id, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE chunk (
  content BLOB NOT NULL,
  number INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (content, number)
) STRICT;
CREATE TABLE key_check (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  value BLOB NOT NULL
) STRICT;
INSERT INTO "owner" ("id", "client_id", "since") VALUES (1, 'press', 1795333545834);
INSERT INTO "token" ("owner", "related_id", "key", "content", "chunks", "bytes", "created_at", "updated_at", "seal") VALUES (1, X'72656369706573', X'737465656C', X'AB229B4EC49C7EB27D796FC844540326', 1, 3, 1795333546330, 1795333546330, X'2CCAF86C010E5636BA7AA43EBFFE5E51');
INSERT INTO "chunk" ("content", "number", "sealed") VALUES (X'AB229B4EC49C7EB27D796FC844540326', 0, X'A06EBC1C37A6361428233D8BAC8C28B6937E82');
INSERT INTO "key_check" ("id", "value") VALUES (1, X'972F1EFBE545CA6B62D66457A90DD8C13ABA6B72A73EDB6B22C016166F3D6BC6');
