/** Rows of older versions of the fold, as this version has them. Pure; the same on every replica. */
import type { Rows } from './rows.ts';

/** The rows that version `from` left, or null when they are too old for that. */
export function migrateRows(rows: Rows, from: number): Rows | null {
  if (from !== 1) return null;
  // Version 1 kept no samples of dropped packets.
  const incidents = Array.from(rows.incidents, (incident) => ({ ...incident, samples: [] }));
  return { ...rows, global: { ...rows.global, fold_version: 2 }, incidents };
}
