CREATE TABLE point (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  point TEXT NOT NULL,
  UNIQUE (agent, point)
) STRICT;

-- What has been committed: a batch that comes again changes nothing.
CREATE TABLE batch (
  agent TEXT NOT NULL,
  epoch TEXT NOT NULL,
  seq INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  PRIMARY KEY (agent, epoch, seq)
) STRICT, WITHOUT ROWID;

-- n tells readings of one point and millisecond apart: all are kept.
-- The storage class of `value` is its type: REAL a number, INTEGER a 64-bit integer, TEXT a string,
-- BLOB of one byte a boolean, NULL no value. So each comes back as it was sent and costs no type column.
CREATE TABLE reading (
  point_id INTEGER NOT NULL REFERENCES point (id),
  time INTEGER NOT NULL,
  n INTEGER NOT NULL,
  value ANY,
  quality INTEGER NOT NULL,
  PRIMARY KEY (point_id, time, n)
) STRICT, WITHOUT ROWID;

-- Payloads that could not be read, kept for whoever looks into it; epoch and seq where they have a name.
CREATE TABLE malformed (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  epoch TEXT,
  seq INTEGER,
  received_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  payload BLOB NOT NULL
) STRICT;
CREATE INDEX malformed_of_agent ON malformed (agent);
