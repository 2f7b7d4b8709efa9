PRAGMA foreign_keys = OFF;
PRAGMA user_version = 1;
PRAGMA application_id = 0;
CREATE TABLE epoch (
  -- Grows from epoch to epoch, so that positions do.
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  -- The start of the box that it belongs to.
  boot TEXT NOT NULL,
  -- 1: nothing was lost at its end, or the ledger says what.
  closed INTEGER NOT NULL DEFAULT 0,
  -- Epoch milliseconds: its thread lived then.
  alive_at INTEGER NOT NULL,
  -- Batches from this seq on were taken in while the time was proven.
  proven_from INTEGER
) STRICT;
CREATE TABLE name (
  epoch INTEGER NOT NULL,
  alias INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (epoch, alias)
) STRICT, WITHOUT ROWID;
CREATE TABLE frame (
  position INTEGER PRIMARY KEY,
  batches INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  -- 0 telemetry, 1 event.
  priority INTEGER NOT NULL,
  -- Epoch milliseconds: when the oldest reading was taken in.
  since INTEGER NOT NULL,
  -- 1: it holds readings whose time was not proven at commit, and was never given out. It is encoded once
  -- more, with what is known of the time by then, before it is given out the first time.
  unproven INTEGER NOT NULL,
  -- JSON: alias of a source, number of its first reading here, how many; the next source …
  runs TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE TABLE proof (
  boot TEXT PRIMARY KEY,
  monotonic REAL NOT NULL,
  time REAL NOT NULL,
  error_ms REAL NOT NULL
) STRICT;
CREATE TABLE gap (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  epoch TEXT NOT NULL,
  source TEXT,
  first INTEGER,
  last INTEGER,
  count INTEGER,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  given INTEGER NOT NULL DEFAULT 0,
  acknowledged INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE tally (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Names the loss ledger.
  ledger TEXT NOT NULL,
  next INTEGER NOT NULL,
  batches INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  -- Names the last counts that came in from outside: those that come again are not counted twice.
  counted TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO "epoch" ("id", "name", "boot", "closed", "alive_at", "proven_from") VALUES (1001, '0bab9d1bd042f6e1', 'e8c492cc-fa6f-4d7c-8489-98eba37682f2', 1, 1795333546711, 1);
INSERT INTO "name" ("epoch", "alias", "text") VALUES (1001, 0, 'n');
INSERT INTO "name" ("epoch", "alias", "text") VALUES (1001, 1, 'x');
INSERT INTO "name" ("epoch", "alias", "text") VALUES (1001, 2, 'line');
INSERT INTO "frame" ("position", "batches", "readings", "priority", "since", "unproven", "runs", "body") VALUES (17197049053186, 1, 2, 0, 1795333546421, 0, '[2,3,2]', X'25C6310A80400C04C0BF6CBDC825B928E62B219D08D68A8DF87751A79A0B3B2253A955C4FADFDE1F0899663733EF635721164436B622B66F52C48948A10E5EF703');
INSERT INTO "proof" ("boot", "monotonic", "time", "error_ms") VALUES ('e8c492cc-fa6f-4d7c-8489-98eba37682f2', 42033576.190639, 1795333545774.012, 510.38926909571774);
INSERT INTO "tally" ("id", "ledger", "next", "batches", "readings", "counted") VALUES (1, 'd9bcb6562bc63947', 17197049053187, 1, 2, '');
CREATE INDEX gap_growing ON gap (epoch, source, reason) WHERE given = 0;
