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

-- Batches that are in: one that comes again changes nothing. Ranges neither overlap nor touch.
CREATE TABLE committed (
  epoch_id INTEGER NOT NULL REFERENCES epoch (id),
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (epoch_id, first)
) STRICT, WITHOUT ROWID;

-- What the aliases of an epoch stand for.
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

-- Numbers of the readings that a source has sent, for the balance. Ranges neither overlap nor touch.
CREATE TABLE received (
  source_id INTEGER NOT NULL REFERENCES source (id),
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (source_id, first)
) STRICT, WITHOUT ROWID;

-- Arrivals are numbered, so that readings of one point and millisecond keep their order.
CREATE TABLE arrival (next INTEGER NOT NULL) STRICT;
INSERT INTO arrival (next) VALUES (1);

-- Readings that are in no block yet.
-- The storage class of `value` is its type: REAL a number, INTEGER a 64-bit integer, TEXT a string,
-- BLOB of one byte a boolean, NULL no value. So each comes back as it was sent and costs no type column.
-- No reference to `point`: it would be looked up for each reading.
CREATE TABLE reading (
  point_id INTEGER NOT NULL,
  time INTEGER NOT NULL,
  arrival INTEGER NOT NULL,
  value ANY,
  quality INTEGER NOT NULL,
  PRIMARY KEY (point_id, time, arrival)
) STRICT, WITHOUT ROWID;

-- Readings of one point as columns, in order. The blocks of a point do not overlap; what comes late for
-- a span that has a block stands in `reading` until it is packed into it.
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
-- Those that are to be packed together.
CREATE INDEX small_block ON block (point_id, first_time) WHERE readings < 500;

-- Rows of the agents' loss ledgers. `id` is the ledger's own.
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
CREATE INDEX gap_of_agent ON gap (agent, row);

-- The newest report of each agent, as JSON.
CREATE TABLE report (
  agent TEXT PRIMARY KEY,
  received_at INTEGER NOT NULL,
  document TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Payloads that could not be read, kept for whoever looks into it; with the batches where they are named.
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
CREATE INDEX malformed_of_agent ON malformed (agent);

-- All that came, and what of it is still kept.
CREATE TABLE malformed_tally (
  agent TEXT PRIMARY KEY,
  count INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  kept_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
