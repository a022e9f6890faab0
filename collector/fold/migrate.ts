/** Rows of older versions of the fold, as this version has them. Pure; the same on every replica. */
import { canonicalJson, INITIAL_CONFIG } from './config.ts';
import type { EpochRecord, Rows } from './rows.ts';

/** The rows that version `from` left, or null when they are too old for that. */
export function migrateRows(rows: Rows, from: number): Rows | null {
  if (from !== 1 && from !== 2) return null;
  const global = {
    ...rows.global,
    fold_version: 3,
    epoch: rows.global.epoch && withCrashes(rows.global.epoch),
  };
  // Version 1 kept no samples of dropped packets, and neither it nor version 2 any crashes.
  const incidents =
    from === 1 ? Array.from(rows.incidents, (incident) => ({ ...incident, samples: [] })) : rows.incidents;
  return { ...rows, global, incidents, crashes: [] };
}

/** An epoch's configuration is complete, and theirs said nothing of crashes. */
function withCrashes(epoch: EpochRecord): EpochRecord {
  const { crashes } = INITIAL_CONFIG;
  return { ...epoch, config: canonicalJson({ ...JSON.parse(epoch.config), crashes }) };
}
