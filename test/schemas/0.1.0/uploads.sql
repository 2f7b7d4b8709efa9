PRAGMA foreign_keys = OFF;
PRAGMA user_version = 1;
PRAGMA application_id = 0;
CREATE TABLE event (
  id        TEXT NOT NULL,
  tenant    TEXT NOT NULL,
  agent_id  TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  time      INTEGER NOT NULL,
  document  TEXT NOT NULL,    -- JSON, as it came
  PRIMARY KEY (tenant, agent_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE file (
  id         INTEGER PRIMARY KEY,
  tenant     TEXT NOT NULL,
  agent_id   TEXT NOT NULL,
  entity_id  TEXT NOT NULL,
  path       TEXT NOT NULL,
  etag       INTEGER NOT NULL,
  type       TEXT,
  description TEXT,
  created_at TEXT,            -- what the client says
  stored_at  INTEGER NOT NULL,
  UNIQUE (tenant, entity_id, path)
) STRICT;
CREATE TABLE file_part (
  file_id INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE,
  n       INTEGER NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (file_id, n)
) STRICT;
CREATE TABLE pending_part (
  tenant    TEXT NOT NULL,
  agent_id  TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  path      TEXT NOT NULL,
  n         INTEGER NOT NULL,
  content   BLOB NOT NULL,
  PRIMARY KEY (tenant, agent_id, entity_id, path, n)
) STRICT;
CREATE TABLE custom_item (
  id           INTEGER PRIMARY KEY,
  tenant       TEXT NOT NULL,
  agent_id     TEXT NOT NULL,
  kind         TEXT NOT NULL,
  details      TEXT NOT NULL, -- JSON
  content_type TEXT NOT NULL,
  content      BLOB NOT NULL,
  received_at  INTEGER NOT NULL
) STRICT;
CREATE TABLE recoverable_record (
  id               TEXT PRIMARY KEY,
  tenant           TEXT NOT NULL,
  agent_id         TEXT NOT NULL,
  correlation_id   TEXT NOT NULL,
  request_time     INTEGER NOT NULL,
  drop_reason      TEXT NOT NULL,
  configuration_id TEXT,
  records          TEXT NOT NULL -- JSON: [{timestamp, values}]
) STRICT;
CREATE TABLE diagnostic_message (
  id             INTEGER PRIMARY KEY,
  tenant         TEXT NOT NULL,
  agent_id       TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  severity       TEXT NOT NULL,
  message        TEXT NOT NULL,
  source         TEXT NOT NULL,
  state          TEXT NOT NULL,
  time           INTEGER NOT NULL
) STRICT;
CREATE INDEX event_time ON event (tenant, time);
CREATE INDEX recoverable_record_tenant ON recoverable_record (tenant, agent_id);
CREATE INDEX diagnostic_message_agent ON diagnostic_message (tenant, agent_id, id);
