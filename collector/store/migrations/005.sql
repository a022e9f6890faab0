-- Hosts in tables with row ids, and their states in short: without row ids a record of more than a quarter of a page takes a
-- page of its own besides, which made a commit take ten times as long. Rows of before stay as they are until their hosts speak.

DROP VIEW host;
ALTER TABLE host_state RENAME TO host_state_4;
ALTER TABLE host_facts RENAME TO host_facts_4;
CREATE TABLE host_state (
  id TEXT PRIMARY KEY NOT NULL,
  -- What changes with every message, as collector/store/host-row.ts packs it.
  value TEXT NOT NULL
) STRICT;
CREATE TABLE host_facts (
  id TEXT PRIMARY KEY NOT NULL,
  -- The HostFacts, JSON (collector/fold/host.ts).
  value TEXT NOT NULL,
  -- Which signals the host has, in the order of their states: an array of kind, reason and function of each, JSON.
  signals TEXT NOT NULL
) STRICT;
INSERT INTO host_state SELECT id, value FROM host_state_4;
-- Named at once: the state that a host is written with when it speaks does not say what its signals are.
INSERT INTO host_facts
  SELECT id, host_facts_4.value, (
    SELECT json_group_array(json_array(
      json_extract(signal.value, '$.kind'), json_extract(signal.value, '$.reason'), json_extract(signal.value, '$.function')
    ))
    FROM json_each(host_state_4.value, '$.signals') AS signal
  )
  FROM host_facts_4 JOIN host_state_4 USING (id);
DROP TABLE host_state_4;
DROP TABLE host_facts_4;
CREATE VIEW host (id, value, signals, state) AS
  SELECT id, host_facts.value, signals, host_state.value FROM host_facts JOIN host_state USING (id);
