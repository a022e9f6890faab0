import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEvidence } from './store.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const C = 'c'.repeat(64);

let data: string;
let dir: string;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'netfall-evidence-'));
  dir = join(data, 'evidence');
});

afterEach(() => {
  rmSync(data, { recursive: true, force: true });
});

describe.each(['on disk', 'in memory'])('evidence %s', (where) => {
  const open = () => openEvidence(where === 'on disk' ? data : ':memory:');

  it('gives back what it keeps, until it is removed', () => {
    const store = open();
    expect(store.list()).toEqual([]);
    const log = Buffer.from('log');
    store.write(A, log);
    store.write(B, new Uint8Array(0));
    log[0] = 0;
    expect(Buffer.from(store.read(A)).toString()).toBe('log');
    expect(store.read(B)).toHaveLength(0);
    expect(store.list()).toEqual([
      { digest: A, bytes: 3 },
      { digest: B, bytes: 0 },
    ]);
    store.remove(A);
    store.remove(A);
    expect(() => store.read(A)).toThrow(A);
    expect(store.list()).toEqual([{ digest: B, bytes: 0 }]);
  });
});

describe('the folder of evidence', () => {
  it('has a file for each log, which nobody else may read, and outlives the store', () => {
    openEvidence(data).write(A, Buffer.from('log'));
    expect(readdirSync(dir)).toEqual([A]);
    expect(statSync(join(dir, A)).mode & 0o777).toBe(0o600);
    expect(openEvidence(data).list()).toEqual([{ digest: A, bytes: 3 }]);
  });

  it('is listed from the oldest to the newest, by name where they are of one age', () => {
    const store = openEvidence(data);
    for (const [digest, seconds] of [
      [A, 3],
      [B, 1],
      [C, 1],
    ] as const) {
      store.write(digest, Buffer.from('log'));
      utimesSync(join(dir, digest), seconds, seconds);
    }
    expect(store.list().map(({ digest }) => digest)).toEqual([B, C, A]);
  });

  it('loses what a killed agent was writing, and nothing that is not its own', () => {
    mkdirSync(dir);
    for (const name of [`${A}.new`, 'README', B.toUpperCase(), C.slice(1)])
      writeFileSync(join(dir, name), '');
    expect(openEvidence(data).list()).toEqual([]);
    expect(readdirSync(dir).sort()).toEqual(['README', B.toUpperCase(), C.slice(1)].sort());
  });

  it('that cannot be says why', () => {
    writeFileSync(dir, 'a file');
    const store = openEvidence(data);
    expect(() => store.write(A, Buffer.from('log'))).toThrow(`'${dir}'`);
    expect(() => store.list()).toThrow(`'${dir}'`);
  });
});

const root = process.getuid?.() === 0;
describe.skipIf(!root)('evidence on a full disk (needs root to mount a small one)', () => {
  beforeEach(() => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', data]);
  });
  afterEach(() => {
    execFileSync('umount', [data]);
  });

  it('keeps no half log, keeps what it has, and takes more once there is room', () => {
    const store = openEvidence(data);
    store.write(A, new Uint8Array(50_000).fill(1));
    expect(() => store.write(B, new Uint8Array(300_000))).toThrow('ENOSPC');
    expect(readdirSync(dir)).toEqual([A]);
    expect(store.read(A)).toEqual(Buffer.alloc(50_000, 1));
    store.write(B, new Uint8Array(100_000));
    expect(() => store.write(C, new Uint8Array(150_000))).toThrow('ENOSPC');
    store.remove(B);
    store.write(C, new Uint8Array(150_000));
    expect(store.list().map(({ digest }) => digest)).toEqual([A, C]);
  });
});
