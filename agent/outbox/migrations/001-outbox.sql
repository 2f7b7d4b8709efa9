-- One row per committed batch, encoded as it will travel.
CREATE TABLE batch (
  seq INTEGER PRIMARY KEY,
  readings INTEGER NOT NULL,
  payload BLOB NOT NULL
) STRICT;

-- One row. What is known without reading the batches, as of the last settlement: every batch below
-- `next` is counted in `batches` and `readings`; those from `next` on are counted at open. It is not
-- written with each batch, since that would cost a page per commit, but always with a deletion, so that
-- no sequence number comes twice.
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch TEXT NOT NULL,
  next INTEGER NOT NULL,
  batches INTEGER NOT NULL,
  readings INTEGER NOT NULL
) STRICT;
