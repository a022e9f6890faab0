import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fold, type FoldEntry, type Rows } from '../fold/fold.ts';
import { numbers, randomLog } from '../fold/testing/random-log.ts';
import { testRules } from '../fold/testing/story.ts';
import { entryDigest, rowsDigest } from './digest.ts';

function someRows() {
  const fold = new Fold(testRules);
  for (const entry of randomLog({ seed: 3, entries: 3000 }).entries) fold.apply(entry);
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

/** Every place in a value that holds a string, a number, a boolean or null. */
function* leaves(value: unknown, path: (string | number)[] = []): Generator<(string | number)[]> {
  if (typeof value !== 'object' || value === null) yield path;
  else for (const [key, part] of Object.entries(value)) yield* leaves(part, [...path, key]);
}

function alter(root: object, path: readonly (string | number)[]): void {
  const key = path.at(-1) as string;
  let at: object = root;
  for (const step of path.slice(0, -1)) at = Reflect.get(at, step) as object;
  const value: unknown = Reflect.get(at, key);
  const other = typeof value === 'number' ? value + 1 : typeof value === 'boolean' ? !value : `${value}x`;
  Reflect.set(at, key, other);
}

describe('rowsDigest', () => {
  const rows = someRows();
  const digest = rowsDigest(rows);

  test('is a SHA-256 in hex, the same for the same rows', () => {
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(rowsDigest(structuredClone(rows))).toBe(digest);
    expect(rows.incidents.length).toBeGreaterThan(1);
    expect(rows.crashes.length).toBeGreaterThan(1);
    expect(rows.notifications.length).toBeGreaterThan(1);
  });

  test('does not depend on the order of the rows, and leaves it alone', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const draw = numbers(seed);
        const shuffled = <T>(list: readonly T[]) =>
          list
            .map((item) => ({ item, at: draw(1_000_000) }))
            .sort((a, b) => a.at - b.at)
            .map(({ item }) => item);
        const hosts = shuffled(rows.hosts);
        const order = hosts.map(({ id }) => id);
        const mixed: Rows = {
          silences: shuffled(rows.silences),
          changes: shuffled(rows.changes),
          notifications: new Set(shuffled(rows.notifications)),
          incidents: shuffled(rows.incidents),
          crashes: shuffled(rows.crashes),
          hosts,
          global: rows.global,
        };
        expect(rowsDigest(mixed)).toBe(digest);
        expect(hosts.map(({ id }) => id)).toEqual(order);
      }),
      { numRuns: 20 },
    );
  });

  test('depends on every field of every kind of row', () => {
    const [host] = rows.hosts.toSorted((a, b) => b.state.signals.length - a.state.signals.length);
    const [incident] = rows.incidents.toSorted((a, b) => b.hosts.length - a.hosts.length);
    const [crash] = rows.crashes.toSorted((a, b) => b.records.length - a.records.length);
    const [notification] = rows.notifications;
    const change = rows.changes.find(({ hosts }) => hosts.length > 0);
    const [silence] = rows.silences;
    if (!host || !incident || !crash || !notification || !change || !silence)
      throw new Error('the log made no rows');
    const few = {
      global: rows.global,
      hosts: [host],
      incidents: [incident],
      crashes: [crash],
      notifications: [notification],
      changes: [{ ...change, attributes: [{ key: 'pool', value: 'api' }] }],
      silences: [silence],
    };
    const seen = new Set([rowsDigest(few)]);
    const paths = [...leaves(few)];
    expect(paths.length).toBeGreaterThan(80);
    for (const path of paths) {
      const changed = structuredClone(few);
      alter(changed, path);
      seen.add(rowsDigest(changed));
    }
    // All of them differ from the first one and from one another.
    expect(seen.size).toBe(paths.length + 1);
  });

  test('depends on which rows there are, and of which kind', () => {
    const { global } = rows;
    const [host, other] = rows.hosts;
    const none = {
      ...{ global, hosts: [], incidents: [], crashes: [], notifications: [] },
      ...{ changes: [], silences: [] },
    };
    const asIncident = { ...none, incidents: [host] } as unknown as Rows;
    const asCrash = { ...none, crashes: [host] } as unknown as Rows;
    const asChange = { ...none, changes: [host] } as unknown as Rows;
    const asSilence = { ...none, silences: [host] } as unknown as Rows;
    const digests = [
      none,
      { ...none, hosts: [host] },
      { ...none, hosts: [other] },
      { ...none, hosts: [host, other] },
      asIncident,
      asCrash,
      asChange,
      asSilence,
    ];
    expect(new Set(digests.map((some) => rowsDigest(some as Rows))).size).toBe(digests.length);
  });
});

describe('entryDigest', () => {
  const entry: FoldEntry = {
    sequence: 12,
    timeUs: 1_700_000_000_000_000,
    subject: 'netfall.c.tick',
    data: Uint8Array.of(1, 2, 3),
  };

  test('is the digest that stored checkpoints hold', () => {
    expect(entryDigest(entry)).toBe('75cc301dcf7d48d11b58838b38e7679538930c4a8ab1d8afa663fba280ce199f');
  });

  test('depends on every field', () => {
    const digests = [
      entry,
      { ...entry, sequence: 13 },
      { ...entry, timeUs: entry.timeUs + 1 },
      { ...entry, subject: 'netfall.c.tock' },
      { ...entry, data: Uint8Array.of(1, 2, 4) },
      { ...entry, data: Uint8Array.of(1, 2) },
      { ...entry, data: new Uint8Array() },
    ].map(entryDigest);
    expect(new Set(digests).size).toBe(digests.length);
  });

  test('is the same for a view of a larger buffer', () => {
    const slab = Buffer.from([9, 9, 1, 2, 3, 9]);
    expect(entryDigest({ ...entry, data: slab.subarray(2, 5) })).toBe(entryDigest(entry));
  });
});
