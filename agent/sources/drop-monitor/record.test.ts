import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JsonRecordFile, type MonitorRecord, parseRecord } from './record.ts';

const BOOT = '0b5c1b8e-5c0a-4f57-9a6e-6d2a0f5f3a11';
const FOUND = {
  mode: 'summary',
  truncationBytes: 0,
  queueLength: 1000,
  software: false,
  hardware: false,
} as const;
const LEFT = {
  mode: 'packet',
  truncationBytes: 96,
  queueLength: 4000,
  software: true,
  hardware: true,
} as const;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'netfall-record-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('JsonRecordFile', () => {
  it('keeps a record for another process, in a folder that it makes', () => {
    const path = join(folder, 'run', 'netfall', 'drop-monitor.json');
    const file = new JsonRecordFile(path, BOOT);
    expect(file.read()).toBeUndefined();
    const { mode, truncationBytes, queueLength } = FOUND;
    file.write({ found: FOUND, left: LEFT, before: { mode, truncationBytes, queueLength } });
    expect(new JsonRecordFile(path, BOOT).read()).toEqual({
      found: FOUND,
      left: LEFT,
      before: { mode, truncationBytes, queueLength },
    });
    file.write({ found: FOUND, left: LEFT });
    expect(file.read()).toEqual({ found: FOUND, left: LEFT });
    expect(readdirSync(join(folder, 'run', 'netfall'))).toEqual(['drop-monitor.json']);
    file.remove();
    file.remove();
    expect(file.read()).toBeUndefined();
  });

  it('knows nothing of what was before the machine booted', () => {
    const path = join(folder, 'record');
    new JsonRecordFile(path, BOOT).write({ found: FOUND, left: LEFT });
    expect(new JsonRecordFile(path, 'another').read()).toBeUndefined();
  });

  it('names the file that it cannot use', () => {
    writeFileSync(join(folder, 'file'), '');
    const file = new JsonRecordFile(join(folder, 'file', 'record'), BOOT);
    expect(() => file.write({ found: FOUND, left: LEFT })).toThrow(join(folder, 'file'));
    expect(() => new JsonRecordFile(folder, BOOT).read()).toThrow('EISDIR');
  });
});

describe('parseRecord', () => {
  const text = (change: object) => JSON.stringify({ boot_id: BOOT, found: FOUND, left: LEFT, ...change });

  it.each([
    ['', 'nothing'],
    ['null', 'null'],
    [text({}).slice(0, -1), 'a text that is cut'],
    [text({ boot_id: undefined }), 'no boot'],
    [text({ found: undefined }), 'no state'],
    [text({ left: { ...LEFT, mode: 'other' } }), 'another mode'],
    [text({ left: { ...LEFT, queueLength: -1 } }), 'a negative length'],
    [text({ left: { ...LEFT, truncationBytes: 2 ** 32 } }), 'a length of 33 bits'],
    [text({ found: { ...FOUND, software: 1 } }), 'a number for a truth'],
    [text({ before: {} }), 'an empty configuration'],
  ])('takes %s for none: %s', (malformed) => {
    expect(parseRecord(malformed, BOOT)).toBeUndefined();
  });

  it('reads what was written, and any text', () => {
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
    const mode = fc.constantFrom<('summary' | 'packet')[]>('summary', 'packet');
    const config = { mode, truncationBytes: u32, queueLength: u32 };
    const state = fc.record({ ...config, software: fc.boolean(), hardware: fc.boolean() });
    const record: fc.Arbitrary<MonitorRecord> = fc.record(
      { found: state, left: state, before: fc.record(config) },
      { requiredKeys: ['found', 'left'] },
    );
    fc.assert(
      fc.property(record, fc.nat(300), fc.string({ maxLength: 2 }), (original, at, replacement) => {
        const written = JSON.stringify({ boot_id: BOOT, ...original });
        expect(parseRecord(written, BOOT)).toEqual(original);
        const mutated = written.slice(0, at) + replacement + written.slice(at + 1);
        const read = parseRecord(mutated, BOOT);
        if (read !== undefined)
          expect(parseRecord(JSON.stringify({ boot_id: BOOT, ...read }), BOOT)).toEqual(read);
      }),
    );
  });
});
