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
INSERT INTO "owner" ("id", "client_id", "since") VALUES (1, 'press', 1795330826730);
INSERT INTO "token" ("owner", "related_id", "key", "content", "chunks", "bytes", "created_at", "updated_at", "seal") VALUES (1, X'72656369706573', X'737465656C', X'63D24E75B2D8ECF010350DB438CDE755', 1, 3, 1795330827358, 1795330827358, X'2EBAE3778F5A179F0CCB07ED4704AF66');
INSERT INTO "chunk" ("content", "number", "sealed") VALUES (X'63D24E75B2D8ECF010350DB438CDE755', 0, X'42CB7DB57ACD4329E916F17C3F28C5C36832E8');
INSERT INTO "key_check" ("id", "value") VALUES (1, X'9E1851CF1D3E0D3613210A9C8DB41EC949241E205EFABC0F2D8015AB0F8538B6');
