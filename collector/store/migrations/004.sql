-- What operators and deployment tools say.

-- Announced changes, by the moment at which they began.
CREATE TABLE change (
  id TEXT PRIMARY KEY,
  at_us INTEGER NOT NULL,
  -- The ChangeRecord, JSON (collector/fold/changes.ts).
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX change_by_time ON change (at_us DESC, id);

-- Silences, by the moment at which they were made.
CREATE TABLE silence (
  id TEXT PRIMARY KEY,
  created_us INTEGER NOT NULL,
  -- The SilenceRecord, JSON (collector/fold/silence.ts).
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX silence_by_time ON silence (created_us DESC, id);
