-- Alarms of agents, as they tell them; `created_at`: when the hub first heard of it.
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

-- How far the audit of an agent's box has come, as it said last.
CREATE TABLE audit_head (
  agent TEXT PRIMARY KEY,
  received_at INTEGER NOT NULL,
  head TEXT NOT NULL CHECK (json_valid(head)),
  fault TEXT CHECK (json_valid(fault)) -- what was last found to be wrong with it; stays
) STRICT, WITHOUT ROWID;
