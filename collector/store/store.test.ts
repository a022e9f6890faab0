import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { type Changes, Fold } from '../fold/fold.ts';
import { aReading, aReport, aWitness } from '../fold/testing/crash-items.ts';
import { randomLog } from '../fold/testing/random-log.ts';
import { Story, testRules } from '../fold/testing/story.ts';
import { rowsDigest } from './digest.ts';
import { type Checkpoint, migrate, Store } from './store.ts';

const dir = mkdtempSync(join(tmpdir(), 'netfall-store-'));
afterAll(() => rmSync(dir, { recursive: true }));
let files = 0;
const newPath = () => join(dir, `${++files}.db`);

const latest = readdirSync(join(import.meta.dirname, 'migrations')).length;
const place = (sequence: number): Checkpoint => ({
  identity: 'log-1',
  sequence,
  entryDigest: `digest-${sequence}`,
  foldVersion: 1,
});
const none = {
  hosts: [],
  hostFacts: new Set<string>(),
  incidents: [],
  crashes: [],
  notifications: [],
  changes: [],
  silences: [],
  removedHosts: [],
  removedIncidents: [],
  removedCrashes: [],
  removedNotifications: [],
  removedChanges: [],
  removedSilences: [],
};

/** A fold that has incidents, notifications and hosts of all kinds. */
function aFold(entries = 4000): Fold {
  const fold = new Fold(testRules);
  for (const entry of randomLog({ seed: 7, entries }).entries) fold.apply(entry);
  return fold;
}

/** Replaces the tables of hosts by those of the schemas before 5. */
function asBefore(database: DatabaseSync, fold: Fold): void {
  const first = readFileSync(join(import.meta.dirname, 'migrations/001.sql'), 'utf8');
  const tables = /CREATE TABLE host_state.*?(?=CREATE TABLE incident)/s.exec(first)?.[0] ?? '';
  database.exec(`DROP VIEW host; DROP TABLE host_state; DROP TABLE host_facts; ${tables}`);
  for (const { id, facts, state } of fold.rows().hosts) {
    database.prepare('INSERT INTO host_state VALUES (?, ?)').run(id, JSON.stringify(state));
    database.prepare('INSERT INTO host_facts VALUES (?, ?)').run(id, JSON.stringify(facts));
  }
}

function query(path: string, sql: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}

describe('migrations', () => {
  const schema = (path: string) =>
    query(path, 'SELECT type, name, sql FROM sqlite_schema ORDER BY name') as readonly { name: string }[];

  test('are applied once, however often the database is opened', () => {
    const path = newPath();
    new Store(path).close();
    const before = schema(path);
    expect(query(path, 'PRAGMA user_version')).toEqual([{ user_version: latest }]);
    expect(before).toContainEqual(expect.objectContaining({ type: 'table', name: 'checkpoint' }));
    new Store(path).close();
    const database = new DatabaseSync(path);
    migrate(database);
    migrate(database);
    database.close();
    expect(schema(path)).toEqual(before);
    expect(query(path, 'PRAGMA user_version')).toEqual([{ user_version: latest }]);
  });

  test('a second opening keeps what the first one wrote', () => {
    const path = newPath();
    const fold = aFold(500);
    const store = new Store(path);
    store.commit(fold.takeChanges(), place(500));
    store.close();
    const again = new Store(path);
    expect(again.load()).toEqual({ checkpoint: place(500), rows: plain(fold) });
    again.close();
  });

  test('a database of the first release goes on, without crashes', () => {
    const path = newPath();
    const fold = aFold(500);
    const store = new Store(path);
    store.commit(fold.takeChanges(), place(500));
    store.close();
    const database = new DatabaseSync(path);
    asBefore(database, fold);
    database.exec('DROP TABLE crash; DROP TABLE change; DROP TABLE silence; PRAGMA user_version = 1');
    database.close();
    const again = new Store(path);
    expect(again.load()?.rows).toEqual({ ...plain(fold), crashes: [], changes: [], silences: [] });
    again.close();
  });

  test('a database of the second one goes on with its crashes', () => {
    const path = newPath();
    const fold = aFold(500);
    const store = new Store(path);
    store.commit(fold.takeChanges(), place(500));
    store.close();
    const tables = schema(path);
    const database = new DatabaseSync(path);
    const rows = database.prepare('SELECT id, at_us, host_id, value FROM crash').all();
    asBefore(database, fold);
    database.exec('DROP TABLE crash; DROP TABLE change; DROP TABLE silence');
    database.exec(readFileSync(join(import.meta.dirname, 'migrations/002.sql'), 'utf8'));
    const insert = database.prepare('INSERT INTO crash VALUES (?, ?, ?, ?)');
    for (const row of rows) insert.run(...Object.values(row));
    database.exec('PRAGMA user_version = 2');
    database.close();
    expect(rows.length).toBeGreaterThan(5);
    const again = new Store(path);
    expect(again.load()?.rows).toEqual({ ...plain(fold), changes: [], silences: [] });
    expect(schema(path).map(({ name }) => name)).toEqual(tables.map(({ name }) => name));
    again.commit({ ...fold.takeChanges(), crashes: fold.rows().crashes }, place(501));
    again.close();
    expect(query(path, "SELECT count(*) AS n FROM crash WHERE sources = '[]'")).toEqual([{ n: 0 }]);
  });

  test('a database of the fourth one goes on with its hosts, which are written anew when they speak', () => {
    const path = newPath();
    const fold = aFold(500);
    const store = new Store(path);
    store.commit(fold.takeChanges(), place(500));
    store.close();
    const tables = schema(path);
    const database = new DatabaseSync(path);
    asBefore(database, fold);
    database.exec('PRAGMA user_version = 4');
    database.close();
    const again = new Store(path);
    expect(again.load()?.rows).toEqual(plain(fold));
    // Nothing that hardly ever changes did.
    const spoke = [...fold.rows().hosts].find(({ state }) => state.signals.length > 1);
    if (!spoke) throw new Error('the log made no host with signals');
    again.commit({ ...fold.takeChanges(), hosts: [spoke] }, place(501));
    expect(again.load()?.rows).toEqual(plain(fold));
    again.close();
    expect(query(path, "SELECT count(*) AS n FROM host_state WHERE value LIKE '[%'")).toEqual([{ n: 1 }]);
    expect(schema(path)).toEqual(tables);
  });

  test('a database of a later release is refused and left alone', () => {
    const path = newPath();
    new Store(path).close();
    const database = new DatabaseSync(path);
    database.exec(`CREATE TABLE news (x); PRAGMA user_version = ${latest + 1}`);
    database.close();
    const before = schema(path);
    expect(() => new Store(path)).toThrow(
      `the database is of a later release (schema ${latest + 1}, this one knows ${latest}): run that release`,
    );
    expect(schema(path)).toEqual(before);
    expect(query(path, 'PRAGMA user_version')).toEqual([{ user_version: latest + 1 }]);
  });

  test('a file that is no database is refused', () => {
    expect(() => new Store(dir)).toThrow('unable to open database file');
  });
});

test('crashes have beside them what they are found and grouped by', () => {
  const story = new Story();
  const log = 'b'.repeat(64);
  const read = { parser_version: 3, reading: aReading({ corrupted: 'cut' }) };
  const pstore = aReport({ record: 'p', source: 'pstore' }, { digest: log, complete: false, ...read });
  story.report(1, 'relay', { items: [{ crash_report: aReport() }, { crash_report: pstore }] });
  story.report(2, 'relay', {
    items: [{ crash_witness: aWitness({ record: 'w', sender: '192.0.2.1', uptime_us: 7 }) }],
  });
  const fold = new Fold(testRules);
  for (const entry of story.entries) fold.apply(entry);
  const path = newPath();
  const store = new Store(path);
  store.commit(fold.takeChanges(), place(2));
  store.close();
  const columns = query(
    path,
    'SELECT id, signature, type, sources, logs, summary, stack FROM crash ORDER BY id',
  );
  const whole = { bytes: 4000, holes: [], wrap_at: 0 };
  const logs = [
    { digest: 'a'.repeat(64), parser_version: 0, ...whole },
    { digest: log, parser_version: 3, ...whole },
  ];
  const { title, bug, guilty, frames, taint } = aReading();
  expect(columns).toEqual([
    {
      ...{ id: 'c1-0', signature: '1:64a1643594c7e212', type: 'bug', sources: '["pstore","netconsole"]' },
      logs: JSON.stringify(logs.toReversed()),
      summary: JSON.stringify({
        ...{ host: '10.0.0.7', hostname: '10.0.0.7', kind: 'panic', kernel: '6.1.0-18-amd64' },
        ...{ hardware: '', title, type: 'bug', taint, bug, corrupted: 'cut' },
      }),
      stack: JSON.stringify({
        guilty,
        frames: frames.map(({ function: name, reliable }) => ({ function: name, reliable })),
      }),
    },
    {
      ...{ id: 'c2-0', signature: '', type: '', sources: '["netconsole"]' },
      logs: '[]',
      summary: '',
      stack: '',
    },
  ]);
});

test('crashes of a signature are found in their order by an index', () => {
  const path = newPath();
  new Store(path).close();
  const plan = query(
    path,
    "EXPLAIN QUERY PLAN SELECT value FROM crash WHERE signature = '1:a' AND at_us <= 7 ORDER BY at_us DESC, id",
  );
  expect(plan).toMatchObject([
    { detail: expect.stringContaining('USING INDEX crash_by_signature (signature=? AND at_us<?)') },
  ]);
});

/** A fold's rows as plain data. */
function plain(fold: Fold) {
  const { global, hosts, incidents, crashes, notifications, changes, silences } = fold.rows();
  const rows = {
    global,
    hosts: [...hosts],
    incidents: [...incidents],
    crashes: [...crashes],
    notifications: [...notifications],
    changes: [...changes],
    silences: [...silences],
  };
  return JSON.parse(JSON.stringify(rows)) as typeof rows;
}

describe('commits', () => {
  test('a new database holds nothing', () => {
    const store = new Store(newPath());
    expect(store.load()).toBeNull();
    store.close();
  });

  test.each([1, 7, 100, 5000])('what was committed every %i entries loads as the fold holds it', (every) => {
    const path = newPath();
    const store = new Store(path);
    const fold = new Fold(testRules);
    const { entries } = randomLog({ seed: 7, entries: every === 1 ? 400 : 4000 });
    for (const entry of entries) {
      fold.apply(entry);
      if (entry.sequence % every === 0) store.commit(fold.takeChanges(), place(entry.sequence));
    }
    store.commit(fold.takeChanges(), place(entries.length));
    const loaded = store.load();
    expect(loaded).toEqual({ checkpoint: place(entries.length), rows: plain(fold) });
    expect(loaded && rowsDigest(loaded.rows)).toBe(rowsDigest(fold.rows()));
    // The fold that comes of it is the same fold.
    expect(loaded && rowsDigest(new Fold(testRules, loaded.rows).rows())).toBe(rowsDigest(fold.rows()));
    store.close();
  });

  test('incidents that the fold forgot are gone from the database', () => {
    const story = new Story();
    const incident = {
      hold_down_s: 1,
      close_after_s: 1,
      max_hosts: 10,
      crash_quiet_s: 10,
      runbook: '',
      history: 2,
    };
    const fast = { floor_per_s: 50, factor: 4, sustain_ms: 0, quiet_ms: 1000, learn_s: 600 };
    story.epoch(0, { incident, detect: fast, sinks: ['chat'] });
    story.report(0, 'a');
    for (let round = 0; round < 5; round++) {
      const at = 1 + round * 10;
      story.report(at, 'a', { drops: { [`R${round}/f`]: 10_000 } });
      for (let s = 1; s < 10; s++) story.report(at + s, 'a', { drops: {} });
    }
    const store = new Store(newPath());
    const fold = new Fold(testRules);
    let removed = 0;
    for (const entry of story.entries) {
      fold.apply(entry);
      const changes = fold.takeChanges();
      removed += changes.removedIncidents.length;
      store.commit(changes, place(entry.sequence));
    }
    expect(removed).toBe(3);
    const loaded = store.load();
    expect([...(loaded?.rows.incidents ?? [])].map(({ title }) => title)).toEqual([
      'a drops R3 in f',
      'a drops R4 in f',
    ]);
    expect(loaded?.rows).toEqual(plain(fold));
    store.close();
  });

  test('removals take away exactly the rows that they name', () => {
    const path = newPath();
    const store = new Store(path);
    const fold = aFold();
    const rows = plain(fold);
    store.commit(fold.takeChanges(), place(4000));
    expect(rows.incidents.length).toBeGreaterThan(2);
    expect(rows.crashes.length).toBeGreaterThan(2);
    expect(rows.notifications.length).toBeGreaterThan(2);
    expect(rows.changes.length).toBeGreaterThan(2);
    expect(rows.silences.length).toBeGreaterThan(2);
    const removedHosts = [rows.hosts[2]?.id ?? ''];
    const removedIncidents = [rows.incidents[1]?.id ?? ''];
    const removedCrashes = [rows.crashes[1]?.id ?? ''];
    const removedNotifications = [rows.notifications[0]?.id ?? ''];
    const removedChanges = [rows.changes[1]?.id ?? ''];
    const removedSilences = [rows.silences[0]?.id ?? ''];
    const removed = {
      ...{ removedHosts, removedIncidents, removedCrashes, removedNotifications },
      ...{ removedChanges, removedSilences },
    };
    store.commit({ ...none, global: rows.global, ...removed }, place(4001));
    expect(store.load()?.rows).toEqual({
      ...rows,
      hosts: rows.hosts.filter((_, i) => i !== 2),
      incidents: rows.incidents.filter((_, i) => i !== 1),
      crashes: rows.crashes.filter((_, i) => i !== 1),
      notifications: rows.notifications.slice(1),
      changes: rows.changes.filter((_, i) => i !== 1),
      silences: rows.silences.slice(1),
    });
    // The view of hosts joins both of their tables, and would not show what is left in one.
    const counts =
      'SELECT (SELECT count(*) FROM host_state) AS states, (SELECT count(*) FROM host_facts) AS facts';
    expect(query(path, counts)).toEqual([{ states: rows.hosts.length - 1, facts: rows.hosts.length - 1 }]);
    store.close();
  });

  test('a row that was removed and made anew stays', () => {
    const store = new Store(newPath());
    const fold = aFold();
    const rows = plain(fold);
    const [first] = rows.incidents;
    const [host] = rows.hosts;
    const changes = {
      ...none,
      global: rows.global,
      hosts: host ? [host] : [],
      hostFacts: new Set([host?.id ?? '']),
      removedHosts: [host?.id ?? ''],
      incidents: first ? [first] : [],
      removedIncidents: [first?.id ?? ''],
    };
    store.commit(changes, place(1));
    expect(store.load()?.rows).toMatchObject({ hosts: [host], incidents: [first] });
    store.close();
  });

  test('what hardly ever changes is written only where it changed', () => {
    const store = new Store(newPath());
    const fold = aFold(500);
    const rows = plain(fold);
    store.commit(fold.takeChanges(), place(500));
    const hosts = rows.hosts.map(({ id, facts, state }) => {
      return { id, facts: { ...facts, agent_version: '2' }, state: { ...state, late: 77 } };
    });
    const [first, second] = hosts;
    if (!first || !second) throw new Error('the log made no hosts');
    const changes = { ...none, global: rows.global, hosts: [first, second], hostFacts: new Set([second.id]) };
    store.commit(changes, place(501));
    const wanted = rows.hosts.map((host) => {
      if (host.id === first.id) return { ...host, state: first.state };
      return host.id === second.id ? second : host;
    });
    expect(store.load()?.rows).toEqual({ ...rows, hosts: wanted });
    store.close();
  });

  test('what is selected by stands beside the rows', () => {
    const path = newPath();
    const store = new Store(path);
    const fold = aFold();
    const rows = plain(fold);
    store.commit(fold.takeChanges(), place(4000));
    store.close();
    expect(query(path, 'SELECT id, state, detected_us FROM incident ORDER BY id')).toEqual(
      rows.incidents.map(({ id, state, detected_us }) => ({ id, state, detected_us })),
    );
    const crashes = rows.crashes.map(({ id, at_us, host_id }) => ({ id, at_us, host_id }));
    expect(query(path, 'SELECT id, at_us, host_id FROM crash ORDER BY id')).toEqual(crashes);
    expect(crashes.length).toBeGreaterThan(2);
    const changes = rows.changes.map(({ id, at_us }) => ({ id, at_us }));
    expect(query(path, 'SELECT id, at_us FROM change ORDER BY id')).toEqual(changes);
    expect(changes.length).toBeGreaterThan(2);
    const silences = rows.silences.map(({ id, created_us }) => ({ id, created_us }));
    expect(query(path, 'SELECT id, created_us FROM silence ORDER BY id')).toEqual(silences);
    expect(silences.length).toBeGreaterThan(2);
    const notifications = rows.notifications.map(({ id, created_us, deliveries }) => {
      return { id, created_us, pending: deliveries.some(({ state }) => state === 'pending') ? 1 : 0 };
    });
    expect(query(path, 'SELECT id, created_us, pending FROM notification ORDER BY id')).toEqual(
      notifications,
    );
    expect(new Set(notifications.map(({ pending }) => pending))).toEqual(new Set([0, 1]));
    expect(query(path, 'SELECT identity, sequence, entry_digest, fold_version FROM checkpoint')).toEqual([
      { identity: 'log-1', sequence: 4000, entry_digest: 'digest-4000', fold_version: 1 },
    ]);
  });

  test('numbers up to 2^53-1 are exact', () => {
    const store = new Store(newPath());
    const { global } = plain(aFold(10));
    const most = Number.MAX_SAFE_INTEGER;
    store.commit({ ...none, global: { ...global, now_us: most } }, place(most));
    expect(store.load()).toMatchObject({ checkpoint: place(most), rows: { global: { now_us: most } } });
    store.close();
  });
});

describe('a transaction that fails', () => {
  function* breaksAfter<T>(items: Iterable<T>): Generator<T> {
    yield* items;
    throw new Error('the rows broke off');
  }

  test.each([
    ['commit', (store: Store, changes: Changes) => store.commit(changes, place(2))],
    ['replace', (store: Store, changes: Changes) => store.replace(changes, place(2))],
  ])('%s leaves the old state, and the next one works', (_name, write) => {
    const path = newPath();
    const store = new Store(path);
    const before = aFold(1000);
    store.commit(before.takeChanges(), place(1));
    const rows = plain(before);
    const after = aFold(3000);
    const changes = after.takeChanges();
    const [gone] = rows.incidents;
    const broken = {
      ...changes,
      removedIncidents: [gone?.id ?? ''],
      notifications: breaksAfter(changes.notifications),
    };
    expect(() => write(store, broken)).toThrow('the rows broke off');
    expect(store.load()).toEqual({ checkpoint: place(1), rows });
    write(store, changes);
    expect(store.load()).toEqual({ checkpoint: place(2), rows: plain(after) });
    store.close();
  });
});

test('replace leaves nothing of what was there; clear leaves nothing', () => {
  const store = new Store(newPath());
  store.commit(aFold(3000).takeChanges(), place(3000));
  const other = aFold(300);
  store.replace(other.rows(), place(300));
  expect(store.load()).toEqual({ checkpoint: place(300), rows: plain(other) });
  store.clear();
  expect(store.load()).toBeNull();
  store.commit(other.takeChanges(), place(300));
  expect(store.load()).toEqual({ checkpoint: place(300), rows: plain(other) });
  store.close();
});
