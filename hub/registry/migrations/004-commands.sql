-- What agents were asked to do, and what became of it.
CREATE TABLE command (
  id          TEXT PRIMARY KEY,
  agent_id    TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  kind        TEXT NOT NULL,
  params      TEXT NOT NULL CHECK (json_valid(params)),
  asked_by    TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'received', 'executing',
                                             'executed', 'failed', 'rejected', 'expired', 'cancelled')),
  sent_at     INTEGER, -- the last time
  changed_at  INTEGER NOT NULL,
  finished_at INTEGER,
  response    TEXT CHECK (json_valid(response)), -- of the box; what came after the end has `late`
  CHECK ((finished_at IS NULL) = (state IN ('waiting', 'sent', 'received', 'executing')))
) STRICT;

CREATE INDEX command_of_agent ON command (agent_id, created_at);

-- Agents that have taken messages by MQTT: commands reach no others.
CREATE TABLE command_reach (
  agent_id TEXT PRIMARY KEY REFERENCES agent (id) ON DELETE CASCADE,
  since    INTEGER NOT NULL
) STRICT;
