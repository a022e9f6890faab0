import { checkEntry } from '@netfall/proto';
import { expect, test } from 'vitest';
import { BUGS, heardOf, signatureOfBug } from './crash.ts';

const death = { kernel: '6.1.0-41-amd64', product: 'Dell Inc. PowerEdge R650', uptimeUs: 4_012_345_678 };

test('what a relay hears is read as a crash in the place of its bug', () => {
  const read = BUGS.map((bug) => {
    const heard = { record: 'netoops-1', sender: '10.64.0.10', firstUs: 1_700_000_000_000_000 };
    const { witness, report } = heardOf({ ...death, bug }, heard);
    expect(report.witness).toBe(witness);
    expect(report.reading?.signature).toBe(signatureOfBug(bug));
    const items = [{ crash_witness: witness }, { crash_report: report }];
    const envelope = { cell: 'c', host_id: 'h', incarnation: '1', seq: 1, oldest_seq: 1, boot_id: 'b' };
    const entry = { envelope: { ...envelope, observed_us: 1, items, losses: [] } };
    expect(checkEntry(entry, 'netfall.c.host.h')).toBeNull();
    return [report.reading?.title, report.reading?.corrupted, report.reading?.guilty];
  });
  const title = (place: string) => `BUG: unable to handle kernel NULL pointer dereference in ${place}`;
  expect(read).toEqual(BUGS.map((bug) => [title(bug.function), '', 0]));
  expect(new Set(BUGS.map(signatureOfBug)).size).toBe(BUGS.length);
});

test('no two logs are the same, whatever died', () => {
  const [bug] = BUGS;
  const heard = { record: 'netoops-1', sender: '10.64.0.10', firstUs: 1 };
  const digest = (uptimeUs: number) => heardOf({ ...death, bug: bug!, uptimeUs }, heard).report.digest;
  expect(digest(1_000_000)).not.toBe(digest(2_000_000));
});
