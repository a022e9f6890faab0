/** What befalls the embedded log from outside: a second process, SIGKILL, a full disk, an older copy, a clock set back. */

import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { collect, ending, message, rejection, SUBJECT, texts } from '../contract/bed.ts';
import { type Log, LogError } from '../log.ts';
import { openEmbeddedLog } from './embedded-log.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'netfall-log-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function refusal(open: () => unknown): LogError {
  try {
    open();
  } catch (error) {
    expect(error).toBeInstanceOf(LogError);
    return error as LogError;
  }
  throw new Error('nothing was refused');
}

/** Starts a process that appends until it is killed; resolves when it has printed `enough` acknowledgements. */
async function startAppender(enough: number) {
  const program = join(import.meta.dirname, '../testing/append-until-killed.ts');
  const child = spawn(process.execPath, [program, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.split('\n').length > enough) resolve();
    });
    void exited.then(() => reject(new Error('the appender ended by itself')));
  });
  return {
    /** Kills it; what it acknowledged, id to sequence. */
    async kill() {
      child.kill('SIGKILL');
      await exited;
      const lines = said.split('\n').filter((line) => /^m\d+ \d+$/.test(line));
      return new Map(
        lines.map((line) => line.split(' ') as [string, string]).map(([id, at]) => [id, Number(at)]),
      );
    },
  };
}

describe('one writer', () => {
  test('a second opener is told the folder and the mend', async () => {
    const log = openEmbeddedLog({ dir });
    await log.append(message('a'));
    const error = refusal(() => openEmbeddedLog({ dir }));
    expect(error.code).toBe('locked');
    expect(error.message).toBe(`${dir} is in use by another process: stop that one or give another folder`);
    // The refused opener has not disturbed the first.
    expect(await log.append(message('b'))).toEqual({ sequence: 2, duplicate: false });
    await log.close();
    await openEmbeddedLog({ dir }).close();
  });

  test('the lock and the acknowledged entries are those of a process, and only entries outlive SIGKILL', async () => {
    const appender = await startAppender(500);
    expect(refusal(() => openEmbeddedLog({ dir })).code).toBe('locked');
    const acknowledged = await appender.kill();
    expect(acknowledged.size).toBeGreaterThanOrEqual(500);
    const log = openEmbeddedLog({ dir });
    const { first, last } = await log.info();
    expect(first).toBe(1);
    const entries = await collect(log, 1, last);
    expect(entries).toHaveLength(last);
    for (const [id, sequence] of acknowledged) expect(texts([entries[sequence - 1]!])).toEqual([id]);
    expect(await log.append(message('after'))).toEqual({ sequence: last + 1, duplicate: false });
    await log.close();
  });

  test('what a killed process was writing as a blob is swept', async () => {
    mkdirSync(join(dir, 'blobs'));
    writeFileSync(join(dir, 'blobs', 'half.tmp'), 'half');
    const log = openEmbeddedLog({ dir });
    expect(readdirSync(join(dir, 'blobs'))).toEqual([]);
    await log.close();
  });
});

describe('time', () => {
  test('never goes backwards, not even across a restart with the clock set back', async () => {
    let nowUs = 2_000_000_000_000_000;
    const clock = { ...systemClock, nowUs: () => nowUs };
    const append = async (id: string, atUs: number) => {
      nowUs = atUs;
      const log = openEmbeddedLog({ dir, clock });
      await log.append(message(id));
      await log.append(message(`${id}2`));
      await log.close();
    };
    await append('a', 2_000_000_000_000_000);
    await append('b', 1_000_000_000_000_000);
    await append('c', 2_000_000_000_000_001.5);
    const log = openEmbeddedLog({ dir, clock });
    expect((await collect(log, 1, 6)).map(({ timeUs }) => timeUs - 2e15)).toEqual([0, 0, 0, 0, 1, 1]);
    await log.close();
  });

  test('the dedupe window is of log time, exact, and outlives a restart', async () => {
    let nowUs = 2_000_000_000_000_000;
    const options = { dir, dedupeUs: 1000, clock: { ...systemClock, nowUs: () => nowUs } };
    let log = openEmbeddedLog(options);
    await log.append(message('a'));
    nowUs += 500;
    await log.append(message('b'));
    await log.close();
    nowUs += 499;
    log = openEmbeddedLog(options);
    expect(await log.append(message('a'))).toEqual({ sequence: 1, duplicate: true });
    nowUs += 1;
    expect(await log.append(message('a'))).toEqual({ sequence: 3, duplicate: false });
    expect(await log.append(message('b'))).toEqual({ sequence: 2, duplicate: true });
    expect(await log.append(message('a'))).toEqual({ sequence: 3, duplicate: true });
    await log.close();
  });
});

describe('group commit', () => {
  test('a group fails or stands as a whole, each message with its own answer', async () => {
    const log = openEmbeddedLog({ dir, maxBytes: 10_000 });
    const outcomes = await Promise.all(
      [
        message('a'),
        message('b', { expectLastOnSubject: 1 }),
        message('c', { expectLastOnSubject: 1 }),
        message('a'),
        message('big', { data: new Uint8Array(10_000) }),
        message('d', { expectLastOnSubject: 2 }),
      ].map((outgoing) =>
        log.append(outgoing).then(
          ({ sequence, duplicate }) => `${sequence}${duplicate ? ' again' : ''}`,
          (error: LogError) => error.code,
        ),
      ),
    );
    expect(outcomes).toEqual(['1', '2', 'conflict', '1 again', 'full', '3']);
    expect(texts(await collect(log, 1, 3))).toEqual(['a', 'b', 'd']);
    await log.close();
  });

  test('the count of bytes is what the rows add up to, through purges and restarts', async () => {
    let log = openEmbeddedLog({ dir });
    const data = new Uint8Array(1000);
    await Promise.all(
      Array.from({ length: 12_000 }, (_, index) => log.append(message(`m${index}`, { data }))),
    );
    const before = (await log.info()).bytes;
    await log.purge(11_001);
    const { bytes, first } = await log.info();
    expect(first).toBe(11_001);
    // The last thousand ids have six characters each.
    expect(bytes).toBe(1000 * (1000 + 2 * SUBJECT.length + 6 + 48));
    expect(before).toBeGreaterThan(11 * bytes);
    await log.close();
    log = openEmbeddedLog({ dir });
    expect((await log.info()).bytes).toBe(bytes);
    await log.close();
  });
});

describe('an older copy put back', () => {
  test('is noticed by a reader that starts from a checkpoint', async () => {
    let log = openEmbeddedLog({ dir: join(dir, 'log') });
    await log.append(message('a'));
    await log.close();
    cpSync(join(dir, 'log'), join(dir, 'copy'), { recursive: true });
    log = openEmbeddedLog({ dir: join(dir, 'log') });
    const { identity } = await log.info();
    await log.append(message('b'));
    await log.append(message('c'));
    await log.close();
    rmSync(join(dir, 'log'), { recursive: true });
    cpSync(join(dir, 'copy'), join(dir, 'log'), { recursive: true });
    log = openEmbeddedLog({ dir: join(dir, 'log') });
    expect(await log.info()).toMatchObject({ identity, last: 1 });
    expect(await ending(log, 4)).toBe('rewound');
    expect(texts(await collect(log, 1, 1))).toEqual(['a']);
    await log.close();
  });

  test('a database made anew has another identity', async () => {
    const identities = new Set<string>();
    for (const name of ['one', 'two']) {
      const log = openEmbeddedLog({ dir: join(dir, name) });
      identities.add((await log.info()).identity);
      await log.close();
    }
    expect(identities.size).toBe(2);
  });
});

describe('damage and misuse', () => {
  test('a file that is no database is corrupt, one of a later format is refused', async () => {
    writeFileSync(join(dir, 'log.db'), 'this is no database'.repeat(1000));
    expect(refusal(() => openEmbeddedLog({ dir }))).toMatchObject({ code: 'corrupt' });
    rmSync(join(dir, 'log.db'));
    await openEmbeddedLog({ dir }).close();
    const db = new DatabaseSync(join(dir, 'log.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    const error = refusal(() => openEmbeddedLog({ dir }));
    expect(error.code).toBe('conflict');
    expect(error.message).toContain(`${dir} holds a log of format 99`);
  });

  test('a folder that cannot be is unavailable', () => {
    writeFileSync(join(dir, 'file'), '');
    const error = refusal(() => openEmbeddedLog({ dir: join(dir, 'file', 'log') }));
    expect(error.code).toBe('unavailable');
    expect(error.message).toContain(join(dir, 'file', 'log'));
  });
});

function canMount(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/proc/self/mounts')) return false;
  const trial = mkdtempSync(join(tmpdir(), 'netfall-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', trial], { stdio: 'ignore' });
    execFileSync('umount', [trial]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(trial, { recursive: true, force: true });
  }
}

const mounts = canMount();
describe.skipIf(!mounts)(mounts ? 'a full disk' : 'a full disk (needs root and mount)', () => {
  let mounted: string;
  let log: Log;
  beforeEach(() => {
    mounted = join(dir, 'disk');
    mkdirSync(mounted);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mounted]);
    log = openEmbeddedLog({ dir: mounted });
  });
  afterEach(async () => {
    await log.close();
    execFileSync('umount', [mounted]);
  });

  test('is said with the folder and the mend, loses nothing, and appends work again when there is room', async () => {
    writeFileSync(join(mounted, 'ballast'), new Uint8Array(2_000_000));
    const data = new Uint8Array(20_000);
    let stored = 0;
    let error: unknown = null;
    while (error === null) {
      expect(stored).toBeLessThan(200);
      error = await log.append(message(`m${stored + 1}`, { data })).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error === null) stored++;
    }
    expect(error).toMatchObject({ code: 'full' });
    expect((error as Error).message).toBe(
      `the disk under ${mounted} is full: free space on it, appends then work again`,
    );
    expect(stored).toBeGreaterThan(5);
    expect(await rejection(log.append(message('again', { data })))).toBe('full');
    expect(await log.info()).toMatchObject({ first: 1, last: stored });
    expect(await collect(log, 1, stored)).toHaveLength(stored);
    rmSync(join(mounted, 'ballast'));
    expect(await log.append(message('again', { data }))).toEqual({ sequence: stored + 1, duplicate: false });
    expect(await log.append(message('again', { data }))).toEqual({ sequence: stored + 1, duplicate: true });
    await log.close();
    log = openEmbeddedLog({ dir: mounted });
    expect(await collect(log, 1, stored + 1)).toHaveLength(stored + 1);
  });

  test('takes no half blob and keeps the old one', async () => {
    await log.blobs.put('snapshot', [Buffer.from('old')]);
    const chunks = Array.from({ length: 60 }, () => new Uint8Array(100_000));
    expect(await rejection(log.blobs.put('snapshot', chunks))).toBe('full');
    expect(readdirSync(join(mounted, 'blobs'))).toEqual(['snapshot.blob']);
    const parts: Uint8Array[] = [];
    for await (const chunk of (await log.blobs.get('snapshot'))!) parts.push(chunk);
    expect(Buffer.concat(parts).toString()).toBe('old');
  });
});
