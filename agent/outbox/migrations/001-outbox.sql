-- One life of the outbox's thread. Those of former lives stay while something of them waits.
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

-- The texts of sources and points; bodies hold their aliases.
CREATE TABLE name (
  epoch INTEGER NOT NULL,
  alias INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (epoch, alias)
) STRICT, WITHOUT ROWID;

-- A run of batches of one epoch, encoded as they travel. `position` is that of the first; one batch takes
-- one position.
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

-- What became known of the time in each start of the box: at `monotonic` milliseconds after it, it was
-- `time` (epoch milliseconds), give or take `error_ms`.
CREATE TABLE proof (
  boot TEXT PRIMARY KEY,
  monotonic REAL NOT NULL,
  time REAL NOT NULL,
  error_ms REAL NOT NULL
) STRICT;

-- The loss ledger (protocol/gap.ts). A row that was given out grows no more.
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

-- Which row a loss may join.
CREATE INDEX gap_growing ON gap (epoch, source, reason) WHERE given = 0;

-- One row. Every frame below `next` is counted in `batches` and `readings`; those from `next` on are
-- counted at open, so that opening a gigabyte is fast. It is not written with each frame, since that would
-- cost a page per commit, but always with a deletion.
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
