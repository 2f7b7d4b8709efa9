-- Batches with readings whose time was not proven at commit. Such a batch is encoded once more, with
-- what is known of the time by then, and leaves this table, before it is given out the first time. So
-- what stands here has never been sent, and what was ever sent is never encoded anew.
CREATE TABLE unproven (
  seq INTEGER PRIMARY KEY REFERENCES batch (seq) ON DELETE CASCADE
) STRICT;

-- What became known of the time in each start of the box: at `monotonic` milliseconds after it, it was
-- `time` (epoch milliseconds), give or take `error_ms`.
CREATE TABLE proof (
  boot TEXT PRIMARY KEY,
  monotonic REAL NOT NULL,
  time REAL NOT NULL,
  error_ms REAL NOT NULL
) STRICT;
