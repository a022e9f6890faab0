-- Crashes, by the moment at which they happened as far as that is known.

CREATE TABLE crash (
  id TEXT PRIMARY KEY,
  at_us INTEGER NOT NULL,
  -- The host that crashed; empty when it is not known.
  host_id TEXT NOT NULL,
  -- The StoredCrash, JSON (collector/fold/crash.ts).
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX crash_by_time ON crash (at_us DESC, id);
-- The few that answer to other ids as well.
CREATE INDEX crash_merged ON crash (id) WHERE json_array_length(value, '$.merged') > 0;
