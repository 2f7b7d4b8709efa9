PRAGMA foreign_keys = OFF;
PRAGMA user_version = 2;
PRAGMA application_id = 0;
CREATE TABLE point (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  point TEXT NOT NULL,
  UNIQUE (agent, point)
) STRICT;
CREATE TABLE epoch (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  epoch TEXT NOT NULL,
  UNIQUE (agent, epoch)
) STRICT;
CREATE TABLE committed (
  epoch_id INTEGER NOT NULL REFERENCES epoch (id),
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (epoch_id, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE name (
  epoch_id INTEGER NOT NULL REFERENCES epoch (id),
  alias INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (epoch_id, alias)
) STRICT, WITHOUT ROWID;
CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  epoch_id INTEGER NOT NULL REFERENCES epoch (id),
  source TEXT NOT NULL,
  UNIQUE (epoch_id, source)
) STRICT;
CREATE TABLE received (
  source_id INTEGER NOT NULL REFERENCES source (id),
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (source_id, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE arrival (next INTEGER NOT NULL) STRICT;
CREATE TABLE reading (
  point_id INTEGER NOT NULL,
  time INTEGER NOT NULL,
  arrival INTEGER NOT NULL,
  value ANY,
  quality INTEGER NOT NULL,
  PRIMARY KEY (point_id, time, arrival)
) STRICT, WITHOUT ROWID;
CREATE TABLE block (
  point_id INTEGER NOT NULL REFERENCES point (id),
  first_time INTEGER NOT NULL,
  last_time INTEGER NOT NULL,
  -- Readings of the same time that stand in `reading` came before all of it or behind it, as theirs says.
  arrival INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  columns BLOB NOT NULL,
  PRIMARY KEY (point_id, first_time)
) STRICT;
CREATE TABLE gap (
  row INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  ledger TEXT NOT NULL,
  id INTEGER NOT NULL,
  epoch TEXT NOT NULL,
  source TEXT,
  first INTEGER,
  last INTEGER,
  count INTEGER,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  UNIQUE (agent, ledger, id)
) STRICT;
CREATE TABLE report (
  agent TEXT PRIMARY KEY,
  received_at INTEGER NOT NULL,
  document TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE malformed (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  epoch TEXT,
  first INTEGER,
  last INTEGER,
  received_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  payload BLOB NOT NULL
) STRICT;
CREATE TABLE malformed_tally (
  agent TEXT PRIMARY KEY,
  count INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  kept_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE alarm (
  agent TEXT NOT NULL,
  code TEXT NOT NULL,
  raised_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  cleared_at INTEGER, -- NULL: it stands
  document TEXT NOT NULL CHECK (json_valid(document)),
  PRIMARY KEY (agent, code, raised_at)
) STRICT, WITHOUT ROWID;
CREATE TABLE device_event (
  agent TEXT NOT NULL,
  time INTEGER NOT NULL,
  id INTEGER NOT NULL,
  document TEXT NOT NULL CHECK (json_valid(document)),
  PRIMARY KEY (agent, time, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_head (
  agent TEXT PRIMARY KEY,
  received_at INTEGER NOT NULL,
  head TEXT NOT NULL CHECK (json_valid(head)),
  fault TEXT CHECK (json_valid(fault)) -- what was last found to be wrong with it; stays
) STRICT, WITHOUT ROWID;
INSERT INTO "point" ("id", "agent", "point") VALUES (1, 'd87cd0b46abc4d1917c274bb55c4c1ae', 'n');
INSERT INTO "point" ("id", "agent", "point") VALUES (2, 'd87cd0b46abc4d1917c274bb55c4c1ae', 'x');
INSERT INTO "epoch" ("id", "agent", "epoch") VALUES (1, 'd87cd0b46abc4d1917c274bb55c4c1ae', '0bab9d1bd042f6e1');
INSERT INTO "committed" ("epoch_id", "first", "last") VALUES (1, 1, 1);
INSERT INTO "name" ("epoch_id", "alias", "text") VALUES (1, 0, 'n');
INSERT INTO "name" ("epoch_id", "alias", "text") VALUES (1, 1, 'x');
INSERT INTO "name" ("epoch_id", "alias", "text") VALUES (1, 2, 'line');
INSERT INTO "source" ("id", "epoch_id", "source") VALUES (1, 1, 'line');
INSERT INTO "received" ("source_id", "first", "last") VALUES (1, 1, 2);
INSERT INTO "arrival" ("next") VALUES (3);
INSERT INTO "reading" ("point_id", "time", "arrival", "value", "quality") VALUES (1, 1795333546173, 1, 1.0, 0);
INSERT INTO "reading" ("point_id", "time", "arrival", "value", "quality") VALUES (2, 1795333546173, 2, 2.5, 0);
INSERT INTO "report" ("agent", "received_at", "document") VALUES ('d87cd0b46abc4d1917c274bb55c4c1ae', 1795333545926, '{"time":1795333545915,"release":"0.1.0","outbox":{"readings":0,"bytes":4207712,"lost":{}},"sources":[],"configuration":{"state":"active"},"alarms":[],"events":[{"id":2,"type":"onboarded","source":"device","text":"the box is agent d87cd0b46abc4d1917c274bb55c4c1ae of tenant plant","time":1795333545798},{"id":1,"type":"started","source":"device","text":"edgeward 0.1.0 has started","time":1795333545703}],"audit":{"id":2,"hash":"10d7843eba26ec59913f5d7ef89292f51b9c9e5a7d49d016d0a964ed5f23243c","key":"6039b67f68289fe67572eec722ac62c35697cfce50ed1c1c1742ae82aa0a0088"}}');
INSERT INTO "device_event" ("agent", "time", "id", "document") VALUES ('d87cd0b46abc4d1917c274bb55c4c1ae', 1795333545703, 1, '{"id":1,"type":"started","source":"device","text":"edgeward 0.1.0 has started","time":1795333545703}');
INSERT INTO "device_event" ("agent", "time", "id", "document") VALUES ('d87cd0b46abc4d1917c274bb55c4c1ae', 1795333545798, 2, '{"id":2,"type":"onboarded","source":"device","text":"the box is agent d87cd0b46abc4d1917c274bb55c4c1ae of tenant plant","time":1795333545798}');
INSERT INTO "audit_head" ("agent", "received_at", "head", "fault") VALUES ('d87cd0b46abc4d1917c274bb55c4c1ae', 1795333545926, '{"id":2,"hash":"10d7843eba26ec59913f5d7ef89292f51b9c9e5a7d49d016d0a964ed5f23243c","key":"6039b67f68289fe67572eec722ac62c35697cfce50ed1c1c1742ae82aa0a0088"}', NULL);
CREATE INDEX small_block ON block (point_id, first_time) WHERE readings < 500;
CREATE INDEX gap_of_agent ON gap (agent, row);
CREATE INDEX malformed_of_agent ON malformed (agent);
