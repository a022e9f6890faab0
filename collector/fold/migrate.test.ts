import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rowsDigest } from '../store/digest.ts';
import { canonicalJson, INITIAL_CONFIG } from './config.ts';
import { Fold } from './fold.ts';
import { migrateRows } from './migrate.ts';
import type { Rows } from './rows.ts';
import { FOLD_VERSION } from './rules.ts';
import { fold, SURGE } from './testing/folded.ts';
import { Story, testRules } from './testing/story.ts';

const rules = { ...testRules, version: FOLD_VERSION };

/** What version 4 left: host a is in trouble and has crashed, host b had the same trouble before it. */
function rowsOf4(): Rows {
  return JSON.parse(readFileSync(new URL('./testing/rows-4.json', import.meta.url), 'utf8'));
}

test('rows of version 4 go on as this version’s', () => {
  const before = rowsOf4();
  const migrated = migrateRows(before, 4) as Rows;
  expect(migrated.global).toEqual({
    ...before.global,
    fold_version: FOLD_VERSION,
    epoch: {
      ...before.global.epoch,
      config: canonicalJson({ ...INITIAL_CONFIG, sinks: ['chat'] }),
    },
  });
  expect([...migrated.incidents]).toMatchObject([
    {
      id: 'i6-0',
      fingerprint: 'drop/NO_SOCKET/__udp4_lib_rcv@scattered',
      state: 'firing',
      title: '2 hosts drop NO_SOCKET in __udp4_lib_rcv',
      symptoms: [{ signal: { reason: 'NO_SOCKET' }, severity: 'warning', hosts_total: 2 }],
      hosts: [
        { host_id: 'a', active: true, crashes: 0 },
        { host_id: 'b', active: false, crashes: 0 },
      ],
      explanation: null,
      notified: true,
      audit: [{ by: '' }, { by: '' }, { by: '' }],
    },
  ]);
  expect(migrated).toMatchObject({ changes: [], silences: [], crashes: [{ host_id: 'a' }] });
});

test('trouble that version 4 had found goes on, and ends, without anybody being told again', () => {
  const folded = new Fold(rules, migrateRows(rowsOf4(), 4) as Rows);
  const story = new Story();
  const at = (seconds: number) => 55 + seconds;
  for (let i = 0; i < 20; i++) story.tick(at(0));
  for (let s = 1; s <= 10; s++) story.report(at(s), 'a', { seq: 8 + s, drops: { [SURGE]: 1000 } });
  for (let s = 11; s <= 120; s++) story.report(at(s), 'a', { seq: 8 + s, drops: {} });
  for (const entry of story.entries.slice(16)) folded.apply(entry);
  const { incidents, notifications } = folded.rows();
  expect(Array.from(incidents, ({ id, state }) => [id, state])).toContainEqual(['i6-0', 'resolved']);
  expect(Array.from(notifications, ({ id }) => id).filter((id) => id.startsWith('i6-0'))).toEqual([
    'i6-0/firing',
    'i6-0/resolved',
  ]);
});

test('are the same after a copy, as rows that this version made', () => {
  const migrated = migrateRows(rowsOf4(), 4) as Rows;
  const copy = JSON.parse(JSON.stringify(migrated));
  expect(rowsDigest(copy)).toBe(rowsDigest(migrated));
  expect(rowsDigest(new Fold(rules, copy).rows())).toBe(rowsDigest(migrated));
});

test.each([0, 1, 2, 3, FOLD_VERSION, FOLD_VERSION + 1])('rows of version %i are not', (from) => {
  expect(migrateRows(fold(new Story()).rows(), from)).toBe(null);
});
