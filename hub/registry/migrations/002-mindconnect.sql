-- A property takes type and unit from the data point as it was when the mapping was made; a mapping that
-- is kept over a change of the data source configuration is valid as long as both still agree.
CREATE TABLE data_point_mapping (
  id                TEXT PRIMARY KEY,
  agent_id          TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  data_point_id     TEXT NOT NULL,
  entity_id         TEXT NOT NULL,
  property_set_name TEXT NOT NULL,
  property_name     TEXT NOT NULL,
  property_type     TEXT, -- NULL where the data point was not known yet
  property_unit     TEXT,
  keep_mapping      INTEGER NOT NULL CHECK (keep_mapping IN (0, 1)),
  UNIQUE (agent_id, data_point_id, entity_id, property_set_name)
) STRICT;

CREATE TABLE event_mapping (
  id                     TEXT PRIMARY KEY,
  agent_id               TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  asset_id               TEXT NOT NULL,
  event_type_id          TEXT NOT NULL,
  event_type_name        TEXT,
  event_type_field_name  TEXT,
  event_type_field_value TEXT,
  etag                   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX event_mapping_agent ON event_mapping (agent_id, event_type_id);

-- While an agent's diagnosis is active, what becomes of its uploads is written down.
CREATE TABLE diagnostic_activation (
  id       TEXT PRIMARY KEY,
  agent_id TEXT NOT NULL UNIQUE REFERENCES agent (id) ON DELETE CASCADE,
  status   TEXT NOT NULL CHECK (status IN ('ACTIVE', 'INACTIVE'))
) STRICT;

CREATE TABLE asset (
  id          TEXT PRIMARY KEY, -- 32 lower-case hex digits
  tenant      TEXT NOT NULL REFERENCES tenant (name),
  parent_id   TEXT,             -- NULL for the root, of which each tenant has one
  name        TEXT NOT NULL,
  type_id     TEXT NOT NULL,
  description TEXT,
  etag        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX asset_root ON asset (tenant) WHERE parent_id IS NULL;
