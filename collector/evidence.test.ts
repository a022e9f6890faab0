import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Log, LogError, openEmbeddedLog } from '@netfall/log';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CRASH_LOGS, EvidenceError, MOST_LOG_BYTES, readCrashLog } from './evidence.ts';

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const hello = Buffer.from('hello');

let dir: string;
let log: Log;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'netfall-evidence-'));
  log = openEmbeddedLog({ dir });
});
afterEach(async () => {
  await log.close();
  rmSync(dir, { recursive: true });
});

const put = (bytes: Uint8Array, digest = digestOf(bytes)) => log.evidence.put(CRASH_LOGS + digest, [bytes]);

describe('the log of a crash', () => {
  test('is what has the digest', async () => {
    await put(hello);
    expect(await readCrashLog(log.evidence, digestOf(hello))).toEqual(hello);
  });

  test('may be empty, and is at most 16 MiB', async () => {
    await put(Buffer.alloc(0));
    expect(await readCrashLog(log.evidence, digestOf(Buffer.alloc(0)))).toEqual(Buffer.alloc(0));
    const most = Buffer.alloc(MOST_LOG_BYTES, 'x');
    await put(most);
    expect((await readCrashLog(log.evidence, digestOf(most)))?.equals(most)).toBe(true);
    const more = Buffer.alloc(MOST_LOG_BYTES + 1, 'x');
    await put(more);
    await expect(readCrashLog(log.evidence, digestOf(more))).rejects.toThrow(
      new EvidenceError('it is over 16 MiB'),
    );
  });

  test('may not be there', async () => {
    expect(await readCrashLog(log.evidence, digestOf(hello))).toBeNull();
  });

  test('is not what only has its name', async () => {
    await put(Buffer.from('another'), digestOf(hello));
    await expect(readCrashLog(log.evidence, digestOf(hello))).rejects.toThrow(
      new EvidenceError('it does not have the digest that it is called by'),
    );
  });

  test('is not what was damaged', async () => {
    await put(hello);
    const [file] = readdirSync(join(dir, 'evidence'));
    writeFileSync(join(dir, 'evidence', file!), 'cut');
    await expect(readCrashLog(log.evidence, digestOf(hello))).rejects.toThrow(
      new EvidenceError('it is damaged'),
    );
  });

  test('cannot be told while the store is out of reach', async () => {
    const error = new LogError('timeout', 'no answer');
    await expect(readCrashLog({ get: () => Promise.reject(error) }, digestOf(hello))).rejects.toBe(error);
  });
});
