-- Crashes with what they are grouped and counted by beside the record, so that it need not be read for that. Rows of before
-- have none of it until they are migrated, whereupon they are written anew.

CREATE TABLE crash_3 (
  id TEXT PRIMARY KEY,
  at_us INTEGER NOT NULL,
  -- The host that crashed; empty when it is not known.
  host_id TEXT NOT NULL,
  -- By its reading; empty while there is none.
  signature TEXT NOT NULL,
  type TEXT NOT NULL,
  -- What found it: an array of names, each once.
  sources TEXT NOT NULL,
  -- Its logs: an array of CrashLogRow, JSON (collector/store/crash-summary.ts).
  logs TEXT NOT NULL,
  -- The CrashSummary, JSON (collector/store/crash-summary.ts); empty while there is no reading.
  summary TEXT NOT NULL,
  -- The CrashStack, JSON; empty while there is no reading.
  stack TEXT NOT NULL,
  -- The StoredCrash, JSON (collector/fold/crash.ts).
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO crash_3 SELECT id, at_us, host_id, '', '', '[]', '[]', '', '', value FROM crash;
DROP TABLE crash;
ALTER TABLE crash_3 RENAME TO crash;
CREATE INDEX crash_by_time ON crash (at_us DESC, id);
CREATE INDEX crash_by_signature ON crash (signature, at_us DESC, id);
-- The few that answer to other ids as well.
CREATE INDEX crash_merged ON crash (id) WHERE json_array_length(value, '$.merged') > 0;
