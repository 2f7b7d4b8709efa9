-- The whole schema of kv.db. Names are UTF-8 bytes in clear, so that they can be looked for, and any
-- character is kept as it came; values and what vouches for a row are sealed with the box's key.

-- An app, from its first registration to its removal: who takes the name later finds nothing of it.
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

-- Values in parts. Parts that no token names are of an upload that goes on, or rubbish.
CREATE TABLE chunk (
  content BLOB NOT NULL,
  number INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (content, number)
) STRICT;

-- By which the key of the box is known to be the right one.
CREATE TABLE key_check (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  value BLOB NOT NULL
) STRICT;
