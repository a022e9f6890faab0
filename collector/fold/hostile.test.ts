import { type CrashWitness, type Entry, encodeEntry, type Item } from '@netfall/proto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyEntry } from '../../proto/testing/arbitrary.ts';
import { currentRules } from '../rules.ts';
import { rowsDigest } from '../store/digest.ts';
import { canonicalJson, INITIAL_CONFIG } from './config.ts';
import { EpochBarrier, Fold, type FoldEntry, type Rows } from './fold.ts';
import { START_US } from './testing/story.ts';

const CELL = 'hostile';
const rules = currentRules(CELL);

/** An entry that is valid by check.ts, or one whose bytes somebody changed, and how long after the one before. */
const anyArrival = fc.record({
  on: anyEntry(CELL, fc.constantFrom('a', 'b')),
  // Mostly a host counts its messages and drops one of few kinds, or hardly anything would get far.
  usual: fc.boolean(),
  kind: fc.nat(4),
  spoil: fc.oneof(
    { weight: 5, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.record({ at: fc.nat(2000), byte: fc.nat(255) }) },
  ),
  afterUs: fc.oneof(
    fc.nat(3_000_000),
    fc.nat(30_000_000),
    fc.constant(0),
    fc.integer({ min: -60_000_000, max: -1 }),
  ),
});

function asUsual({ envelope, ...other }: Entry, seq: number, kind: number): Entry {
  if (!envelope) return other;
  const items = envelope.items.map(({ drop_report, crash_witness, crash_report, ...item }): Item => {
    if (crash_witness) return { crash_witness: asUsualCrash(crash_witness, kind) };
    if (crash_report?.witness)
      return { crash_report: { ...crash_report, witness: asUsualCrash(crash_report.witness, kind) } };
    if (!drop_report) return item;
    const drops = drop_report.drops.map((drop) => ({ ...drop, reason: `R${kind}`, function: '' }));
    const window_us = 1 + (drop_report.window_us % 10_000_000);
    return { drop_report: { ...drop_report, window_us, drops } };
  });
  return { envelope: { ...envelope, incarnation: '0001', seq, oldest_seq: 1, items } };
}

/** One of few crashes, by one of few records. */
function asUsualCrash(witness: CrashWitness, kind: number): CrashWitness {
  const record = `r${witness.uptime_us % 5}`;
  const sender = kind === 0 ? '' : `10.0.0.${witness.first_us % 3}`;
  return { ...witness, record, sender, boot_id: '', line: `panic ${kind}`, uptime_us: kind };
}

/** Small limits, so that few entries reach them. */
const epoch = encodeEntry({
  epoch: {
    fold_version: rules.version,
    config_digest: '',
    catalog_digest: rules.catalogDigest,
    config: canonicalJson({
      ...INITIAL_CONFIG,
      limits: { hosts: 2, forget_host_s: 60, signals_per_host: 3, open_incidents: 2 },
      incident: { hold_down_s: 1, close_after_s: 2, max_hosts: 1, history: 10 },
      crashes: { history: 10, records_per_host: 10 },
      detect: { ...INITIAL_CONFIG.detect, sustain_ms: 0, quiet_ms: 1000 },
      sinks: ['chat'],
    }),
  },
});

const anyLog = fc.array(anyArrival, { minLength: 1, maxLength: 60, size: 'max' }).map((arrivals) => {
  const entries: FoldEntry[] = [
    { sequence: 1, timeUs: START_US, subject: `netfall.${CELL}.epoch`, data: epoch },
  ];
  let timeUs = START_US;
  for (const { on, usual, kind, spoil, afterUs } of arrivals) {
    const data = encodeEntry(usual ? asUsual(on.entry, entries.length, kind) : on.entry);
    if (spoil && data.length > 0) data[spoil.at % data.length] = spoil.byte;
    timeUs += afterUs;
    entries.push({ sequence: entries.length + 1, timeUs, subject: on.subject, data });
  }
  return entries;
});

/** Applies an entry unless it begins an epoch that these rules lack: nothing else may throw. */
function apply(fold: Fold, entry: FoldEntry): void {
  try {
    fold.apply(entry);
  } catch (error) {
    if (!(error instanceof EpochBarrier)) throw error;
  }
}

function copy(rows: Rows): Rows {
  const { global, hosts, incidents, crashes, notifications, changes, silences } = rows;
  return JSON.parse(
    JSON.stringify({
      global,
      hosts: [...hosts],
      incidents: [...incidents],
      crashes: [...crashes],
      notifications: [...notifications],
      changes: [...changes],
      silences: [...silences],
    }),
  ) as Rows;
}

/** Numbers, by their path, that JSON or SQLite would not give back as they were, and those below 0 that may not be. */
function oddNumbers(value: unknown, path = ''): string[] {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && (value >= 0 || path.endsWith('.offset_us'))
      ? []
      : [`${path} is ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => oddNumbers(part, `${path}.${key}`));
}

test('whatever stands in the log, a fold goes on, holds safe integers, and goes on alike when it is restored', () => {
  fc.assert(
    fc.property(anyLog, fc.nat(60), (entries, cut) => {
      const through = new Fold(rules);
      let other = new Fold(rules);
      for (const entry of entries) {
        apply(through, entry);
        apply(other, entry);
        if (entry.sequence === cut + 1) other = new Fold(rules, copy(other.rows()));
      }
      const rows = through.rows();
      expect(oddNumbers(copy(rows))).toEqual([]);
      expect(rowsDigest(other.rows())).toBe(rowsDigest(rows));
    }),
    { numRuns: 300 },
  );
});
