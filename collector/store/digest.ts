/** Digests that replicas compare. */
import { createHash } from 'node:crypto';
import type { Rows } from '../fold/rows.ts';
import type { FoldEntry } from '../fold/rules.ts';

/** What names a state: equal for equal rows, in whatever order they come. SHA-256, hex. */
export function rowsDigest({ global, ...tables }: Rows): string {
  const hash = createHash('sha256').update(JSON.stringify(global));
  const { hosts, incidents, crashes, notifications, changes, silences } = tables;
  const kinds = { hosts, incidents, crashes, notifications, changes, silences };
  for (const [table, records] of Object.entries(kinds)) {
    hash.update(`\n${table}`);
    const sorted = [...records].sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const record of sorted) hash.update('\n').update(JSON.stringify(record));
  }
  return hash.digest('hex');
}

/** What names an entry: a log that holds another one at the same sequence is not the log that was folded. */
export function entryDigest({ sequence, timeUs, subject, data }: FoldEntry): string {
  return createHash('sha256').update(`${sequence} ${timeUs} ${subject}\n`).update(data).digest('hex');
}
