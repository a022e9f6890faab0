/** Rows of older versions of the fold, as this version has them. Pure; the same on every replica. */
import { canonicalJson, INITIAL_CONFIG } from './config.ts';
import { crashOf, type StoredCrash } from './crash.ts';
import { UNREAD } from './reading.ts';
import type { EpochRecord, Rows } from './rows.ts';
import { FOLD_VERSION } from './rules.ts';

/** The rows that version `from` left, or null when they are too old for that. */
export function migrateRows(rows: Rows, from: number): Rows | null {
  if (from !== 1 && from !== 2 && from !== 3 && from !== 4) return null;
  const epoch = rows.global.epoch && from < 3 ? withCrashes(rows.global.epoch) : rows.global.epoch;
  const global = { ...rows.global, fold_version: FOLD_VERSION, epoch };
  // Version 1 kept no samples of dropped packets, neither it nor version 2 any crashes, version 3 no readings of these, and
  // none before this one announced changes or silences.
  const incidents =
    from === 1 ? Array.from(rows.incidents, (incident) => ({ ...incident, samples: [] })) : rows.incidents;
  const crashes = from === 4 ? rows.crashes : from === 3 ? Array.from(rows.crashes, unread) : [];
  return { ...rows, global, incidents, crashes, changes: [], silences: [] };
}

/** A crash whose logs nobody has read. */
function unread(crash: StoredCrash): StoredCrash {
  return crashOf(
    crash,
    crash.records.map((record) => ({ ...record, ...UNREAD })),
  );
}

/** An epoch's configuration is complete, and theirs said nothing of crashes. */
function withCrashes(epoch: EpochRecord): EpochRecord {
  const { crashes } = INITIAL_CONFIG;
  return { ...epoch, config: canonicalJson({ ...JSON.parse(epoch.config), crashes }) };
}
