import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Loss } from '@netfall/proto';
import fc from 'fast-check';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import type { Draft, Spool } from './spool.ts';
import { openSpool, type SpoolOptions } from './sqlite-spool.ts';

let data: string;
let lines: string[];
let spools: Spool[];

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'netfall-spool-'));
  lines = [];
  spools = [];
});

afterEach(() => {
  for (const spool of spools) spool.close();
  rmSync(data, { recursive: true, force: true });
});

function open(options: Partial<SpoolOptions> = {}): Spool {
  const logger = pino(
    { base: null, timestamp: false },
    { write: (line) => lines.push(JSON.parse(line).msg) },
  );
  const spool = openSpool({
    data,
    maxMessages: 100,
    maxBytes: 16 * 1024 * 1024,
    clock: new FakeClock(),
    random: () => 0.5,
    logger,
    ...options,
  });
  spools.push(spool);
  return spool;
}

/** Appends a message of so many bytes and returns what it was told. */
function append(spool: Spool, bytes = 3, losses: readonly Loss[] = []): Draft {
  let seen: Draft | undefined;
  spool.append((draft) => {
    seen = draft;
    return { data: new Uint8Array(bytes).fill(draft.seq), losses: [...losses, ...draft.carried] };
  });
  return seen as Draft;
}

function pending(spool: Spool): number[] {
  const seqs: number[] = [];
  for (let m = spool.next(0); m; m = spool.next(m.seq)) seqs.push(m.seq);
  return seqs;
}

describe('the spool', () => {
  it('numbers messages from 1 and keeps them until they are acknowledged', () => {
    const spool = open();
    expect(append(spool)).toEqual({
      incarnation: spool.incarnation,
      seq: 1,
      oldestSeq: 1,
      messages: 0,
      bytes: 0,
      carried: [],
    });
    expect(append(spool)).toMatchObject({ seq: 2, oldestSeq: 1, messages: 1, bytes: 3 });
    expect(spool.next(1)).toEqual({
      incarnation: spool.incarnation,
      seq: 2,
      data: new Uint8Array([2, 2, 2]),
    });
    spool.acknowledge(spool.incarnation, 1);
    spool.acknowledge(spool.incarnation, 1);
    expect(pending(spool)).toEqual([2]);
    expect([spool.messages, spool.bytes, spool.has(spool.incarnation, 1)]).toEqual([1, 3, false]);
    spool.acknowledge('another', 2);
    expect(spool.has(spool.incarnation, 2)).toBe(true);
    spool.acknowledge(spool.incarnation, 2);
    expect(append(spool)).toMatchObject({ seq: 3, oldestSeq: 3, messages: 0, bytes: 0 });
  });

  it('mints an incarnation that sorts by time, from the clock and the given randomness', () => {
    const clock = new FakeClock(1_800_000_000_000_000);
    const first = open({ data: ':memory:', clock }).incarnation;
    clock.step(0.001);
    const second = open({ data: ':memory:', clock }).incarnation;
    expect([first, second]).toEqual(['6651728988000' + '80000000', '6651728988001' + '80000000']);
    expect(first < second).toBe(true);
  });

  it('goes on where it was after it was closed, with what is not acknowledged', () => {
    const before = open();
    const { incarnation } = before;
    for (let i = 0; i < 3; i++) append(before);
    before.acknowledge(incarnation, 2);
    before.close();
    const after = open({ random: () => 0.1 });
    expect(after.incarnation).toBe(incarnation);
    expect([after.messages, after.bytes, pending(after)]).toEqual([2, 6, [1, 3]]);
    expect(append(after)).toMatchObject({ seq: 4, oldestSeq: 1 });
  });

  it('begins a new incarnation at 1 when the folder was wiped', () => {
    const before = open({ random: () => 0.1 });
    const { incarnation } = before;
    append(before);
    before.close();
    rmSync(data, { recursive: true });
    const after = open({ random: () => 0.2 });
    expect(after.incarnation).not.toBe(incarnation);
    expect(append(after)).toMatchObject({ seq: 1 });
  });

  it('gives no number when the message cannot be built', () => {
    const spool = open();
    expect(() =>
      spool.append(() => {
        throw new Error('cannot be built');
      }),
    ).toThrow('cannot be built');
    expect(append(spool)).toMatchObject({ seq: 1 });
  });

  it('evicts the oldest beyond its bound, and has the next message carry that and what they had carried', () => {
    const spool = open({ maxMessages: 2 });
    append(spool, 3, [{ source: 'kfree-skb', hop: 'map_overflow', count: 7 }]);
    append(spool, 3, [{ source: 'kfree-skb', hop: 'map_overflow', count: 5 }]);
    expect(append(spool)).toMatchObject({
      oldestSeq: 2,
      messages: 1,
      carried: [
        { source: 'kfree-skb', hop: 'map_overflow', count: 7 },
        { source: 'spool', hop: 'evicted', count: 1 },
      ],
    });
    expect([pending(spool), spool.evicted, spool.messages]).toEqual([[2, 3], 1, 2]);
    append(spool);
    // Message 3, which carried the first eviction, is evicted itself: nothing of it is forgotten.
    expect(append(spool).carried).toEqual([
      { source: 'kfree-skb', hop: 'map_overflow', count: 7 },
      { source: 'spool', hop: 'evicted', count: 2 },
    ]);
    expect(lines).toEqual(['the spool is full at 2 messages: the oldest are evicted and counted']);
  });

  it('is bounded in bytes', () => {
    const spool = open({ maxBytes: 1024 * 1024, maxMessages: 1000 });
    for (let i = 0; i < 40; i++) append(spool, 100_000);
    expect(spool.bytes).toBeLessThanOrEqual(1024 * 1024);
    // Half a megabyte stays free for the largest message, so six are left when the next comes.
    expect(pending(spool)).toEqual([35, 36, 37, 38, 39, 40]);
    expect(spool.fill).toBe(1);
  });

  it('accounts for every message: acknowledged, pending or evicted, and every loss arrives or is carried on', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constant('append' as const) },
      fc.constant('reopen' as const),
      fc.nat({ max: 20 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const folder = mkdtempSync(join(tmpdir(), 'netfall-spool-'));
        let spool = open({ data: folder, maxMessages: 4 });
        const { incarnation } = spool;
        const losses = new Map<number, readonly Loss[]>();
        const acknowledged = new Set<number>();
        let minted = 0;
        for (const what of steps) {
          if (what === 'reopen') {
            spool.close();
            spool = open({ data: folder, maxMessages: 4, random: () => 0.9 });
            expect(spool.incarnation).toBe(incarnation);
          } else if (what === 'append') {
            const draft = append(spool, 1, [{ source: 's', hop: 'h', count: 1 }]);
            expect(draft.seq).toBe(++minted);
            losses.set(draft.seq, [{ source: 's', hop: 'h', count: 1 }, ...draft.carried]);
          } else {
            const seq = pending(spool)[what];
            if (seq === undefined) continue;
            spool.acknowledge(incarnation, seq);
            acknowledged.add(seq);
          }
          expect(spool.messages).toBe(pending(spool).length);
        }
        // One more, which nothing evicts: it carries what is left to carry.
        for (const seq of pending(spool)) {
          spool.acknowledge(incarnation, seq);
          acknowledged.add(seq);
        }
        const last = append(spool, 1).carried;
        const told = [...[...acknowledged].flatMap((seq) => losses.get(seq) ?? []), ...last];
        const total = (hop: string) => {
          return told.filter((loss) => loss.hop === hop).reduce((sum, { count }) => sum + count, 0);
        };
        expect(acknowledged.size + total('evicted')).toBe(minted);
        expect(total('h')).toBe(minted);
        spool.close();
        rmSync(folder, { recursive: true });
      }),
      { numRuns: 25 },
    );
  });
});

describe("the spool's file", () => {
  it('keeps a second agent out, with a line that says what to do', () => {
    open();
    expect(() => open()).toThrow(
      `${data}/spool.db is in use by another agent: stop that one, or set "data" to another folder`,
    );
    expect(() => open()).toThrow(expect.objectContaining({ code: 'locked' }));
  });

  it('is free again when the process that held it was killed, which never gives a number twice', async () => {
    const script = `
      import pino from 'pino';
      import { systemClock } from '@netfall/log';
      import { openSpool } from ${JSON.stringify(import.meta.resolve('./sqlite-spool.ts'))};
      const spool = openSpool({ data: process.argv[1], maxMessages: 1000, maxBytes: 1e8, clock: systemClock,
        random: Math.random, logger: pino({ level: 'silent' }) });
      for (;;) {
        const seq = spool.append(() => ({ data: new Uint8Array(10), losses: [] }));
        console.log(seq);
        await new Promise(setImmediate);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, data], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    const exited = once(child, 'exit');
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    while (output.split('\n').length <= 20) await once(child.stdout, 'data');
    expect(() => open()).toThrow(expect.objectContaining({ code: 'locked' }));
    child.kill('SIGKILL');
    await exited;
    const given = Number(output.trim().split('\n').at(-1));
    expect(given).toBeGreaterThanOrEqual(20);
    expect(append(open()).seq).toBeGreaterThan(given);
  });

  it.each([
    ['is no database', (path: string) => writeFileSync(path, 'this is not a database at all'.repeat(300))],
    [
      'has another schema',
      (path: string) => {
        const database = new DatabaseSync(path);
        database.exec('PRAGMA user_version = 99');
        database.close();
      },
    ],
    [
      'lost its state',
      (path: string) => {
        const database = new DatabaseSync(path);
        database.exec('DELETE FROM state');
        database.close();
      },
    ],
  ])('is set aside when it %s, and a new incarnation begins', (_, damage) => {
    const before = open();
    const { incarnation } = before;
    append(before);
    before.close();
    damage(join(data, 'spool.db'));
    const after = open({ random: () => 0.7 });
    expect(after.incarnation).not.toBe(incarnation);
    expect(append(after)).toMatchObject({ seq: 1, carried: [] });
    expect(existsSync(join(data, 'spool.db.damaged'))).toBe(true);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`set aside as ${data}/spool.db.damaged; a new incarnation begins`);
  });

  it('is set aside when it turns out damaged while it is used, and what it held is counted', () => {
    let draw = 0;
    const spool = open({ maxMessages: 1000, random: () => ++draw / 10 });
    const { incarnation } = spool;
    for (let i = 0; i < 400; i++) append(spool, 20_000);
    const path = join(data, 'spool.db');
    writeFileSync(path, new Uint8Array(statSync(path).size).fill(0x5a), { flag: 'r+' });
    expect(pending(spool).length).toBeLessThan(400);
    const draft = append(spool, 20_000);
    expect(draft.incarnation).toBe(spool.incarnation);
    expect(draft).toMatchObject({ seq: 1, carried: [{ source: 'spool', hop: 'damaged', count: 400 }] });
    expect(pending(spool)).toEqual([1]);
    expect(existsSync(`${path}.damaged`)).toBe(true);
    expect(lines.at(-1)).toContain(`set aside as ${path}.damaged; a new incarnation begins`);
    expect(lines).toHaveLength(1);
    expect(draft.incarnation).not.toBe(incarnation);
  });

  it('is made later when it cannot be made now', () => {
    writeFileSync(join(data, 'in-the-way'), '');
    const spool = open({ data: join(data, 'in-the-way') });
    expect(lines).toEqual([
      `${data}/in-the-way/spool.db cannot be made (EEXIST): check the folder's permissions, or set "data" to another one; reports are held in memory until it can`,
    ]);
    expect(() => append(spool)).toThrow(expect.objectContaining({ code: 'unwritable' }));
    expect([spool.incarnation, spool.next(0), spool.messages]).toEqual(['', undefined, 0]);
    rmSync(join(data, 'in-the-way'));
    expect(append(spool)).toMatchObject({ seq: 1 });
    expect(spool.incarnation).not.toBe('');
  });
});

const root = process.getuid?.() === 0;

describe.skipIf(!root)('the spool on a full disk (needs root to mount a small one)', () => {
  beforeEach(() => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', data]);
  });

  afterEach(() => {
    for (const spool of spools) spool.close();
    execFileSync('umount', [data]);
  });

  it('evicts to make room, counts it, and goes on numbering', () => {
    const spool = open({ maxMessages: 10_000 });
    const drafts = Array.from({ length: 200 }, () => append(spool, 100_000));
    expect(drafts.map(({ seq }) => seq)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(spool.evicted).toBeGreaterThan(100);
    expect(spool.messages + spool.evicted).toBe(200);
    expect(pending(spool)).toEqual(
      Array.from({ length: spool.messages }, (_, i) => 201 - spool.messages + i),
    );
  });

  it('stores messages that the log acknowledges, although others have filled the disk', () => {
    const spool = open();
    fillDisk();
    for (let i = 1; i <= 200; i++) {
      expect(append(spool, 20_000)).toMatchObject({ seq: i, carried: [] });
      spool.acknowledge(spool.incarnation, i);
    }
  });

  it('throws when not even one message fits, and goes on once it does', () => {
    const spool = open();
    fillDisk();
    expect(() => append(spool, 8_000_000)).toThrow(expect.objectContaining({ code: 'full' }));
    rmSync(join(data, 'ballast'));
    expect(append(spool, 500_000)).toMatchObject({ seq: 1 });
  });

  function fillDisk(): void {
    try {
      writeFileSync(join(data, 'ballast'), new Uint8Array(16 * 1024 * 1024));
    } catch {
      // It holds as much as there was room for.
    }
    expect(() => writeFileSync(join(data, 'more'), new Uint8Array(4096))).toThrow('ENOSPC');
    rmSync(join(data, 'more'));
  }
});
