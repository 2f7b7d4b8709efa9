-- Looked through whenever an agent connects or tells something: by its deadline, and not past all that has ended.
CREATE INDEX open_command ON command (expires_at) WHERE finished_at IS NULL;
