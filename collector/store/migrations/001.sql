-- A replica's state: each row is one record of the fold, as JSON, with what the API selects and sorts by beside it.
-- Checkpoint and projection are the same rows: both are current as of checkpoint.sequence, in one transaction.

CREATE TABLE checkpoint (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  -- The log's identity, the last entry that was folded and its digest.
  identity TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  entry_digest TEXT NOT NULL,
  fold_version INTEGER NOT NULL,
  -- The fold's global record, JSON.
  value TEXT NOT NULL
) STRICT;

-- The fold's record of a host (HostRecord in collector/fold/host.ts), JSON, in two parts: what changes with every
-- message, and the larger rest that hardly ever does.
CREATE TABLE host_state (
  id TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE host_facts (
  id TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE VIEW host (id, value) AS
  SELECT id, '{"id":' || json_quote(id) || ',"facts":' || host_facts.value || ',"state":' || host_state.value || '}'
  FROM host_state JOIN host_facts USING (id);

CREATE TABLE incident (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  detected_us INTEGER NOT NULL,
  -- The Incident, JSON (collector/fold/model.ts).
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_by_time ON incident (detected_us DESC, id);

CREATE TABLE notification (
  id TEXT PRIMARY KEY,
  -- 1 while any sink's delivery is pending.
  pending INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  -- The Notification, JSON (collector/fold/model.ts).
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_pending ON notification (created_us, id) WHERE pending = 1;
