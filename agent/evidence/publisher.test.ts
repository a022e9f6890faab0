import { createHash } from 'node:crypto';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Blobs, LogError } from '@netfall/log';
import fc from 'fast-check';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { type Connection, FlakyLog } from '../testing/flaky-log.ts';
import { EvidencePublisher, type EvidencePublisherOptions } from './publisher.ts';
import { openEvidence } from './store.ts';

let data: string;
let dir: string;
let clock: FakeClock;
let flaky: FlakyLog;
let lines: string[];
let lost: Record<string, number>;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'netfall-evidence-'));
  dir = join(data, 'evidence');
  clock = new FakeClock();
  flaky = new FlakyLog(clock);
  lines = [];
  lost = {};
});

afterEach(async () => {
  rmSync(data, { recursive: true, force: true });
  await flaky.close();
});

function publisher(options: Partial<EvidencePublisherOptions> = {}): EvidencePublisher {
  const made = new EvidencePublisher({
    store: openEvidence(data),
    log: flaky.log,
    maxLogs: 100,
    maxBytes: 1e6,
    clock,
    random: () => 0,
    logger: pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line).msg) }),
    lost: (hop, count) => {
      lost[hop] = (lost[hop] ?? 0) + count;
    },
    ...options,
  });
  made.start();
  return made;
}

const sha256 = (log: Uint8Array) => createHash('sha256').update(log).digest('hex');
const logOf = (text: string) => Buffer.from(text);
const digestOf = (text: string) => sha256(logOf(text));

/** What the log's evidence holds, by name. */
async function evidence(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await flaky.log.evidence.list('')) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await flaky.log.evidence.get(name)) ?? []) chunks.push(chunk);
    found[name] = Buffer.concat(chunks).toString();
  }
  return found;
}

/** A log whose evidence answers only when the test says so. */
function heldLog() {
  const held: { readonly name: string; readonly resolve: () => void }[] = [];
  const put: Blobs['put'] = (name) => {
    return new Promise<void>((resolve) => {
      held.push({ name, resolve });
    });
  };
  return { log: { evidence: { put } }, held };
}

describe('evidence', () => {
  it('is put under its digest, and kept no longer', async () => {
    const sender = publisher();
    const digest = sender.keep(logOf('panic'));
    expect(digest).toBe('79631cb1b7b63b6e84aba908f774286c1bb4642be880ee3de73c12abd53f0c1b');
    expect(readFileSync(join(dir, digest), 'utf8')).toBe('panic');
    expect(sender.status).toEqual({ logs: 1, bytes: 5, put: 0, retries: 0, failing: false });
    await clock.advance(0);
    expect(await evidence()).toEqual({ [`crash/${digest}`]: 'panic' });
    expect(readdirSync(dir)).toEqual([]);
    expect(sender.status).toEqual({ logs: 0, bytes: 0, put: 1, retries: 0, failing: false });
    expect([lines, lost]).toEqual([[], {}]);
  });

  it('that comes twice is one file and one put', async () => {
    const sender = publisher();
    flaky.connection = 'down';
    expect([sender.keep(logOf('panic')), sender.keep(logOf('panic'))]).toEqual([
      digestOf('panic'),
      digestOf('panic'),
    ]);
    await clock.advance(1000);
    sender.keep(logOf('panic'));
    expect(readdirSync(dir)).toEqual([digestOf('panic')]);
    expect(sender.status).toMatchObject({ logs: 1, bytes: 5 });
    flaky.connection = 'up';
    await clock.advance(60_000);
    expect(flaky.puts).toEqual([`crash/${digestOf('panic')}`]);
    expect(sender.status).toMatchObject({ logs: 0, bytes: 0, put: 1 });
  });

  it('is repeated until it is taken, which is said when it begins and when it is over', async () => {
    flaky.connection = 'down';
    const sender = publisher();
    sender.keep(logOf('one'));
    sender.keep(logOf('two'));
    await clock.advance(120_000);
    expect(sender.status).toMatchObject({ logs: 2, put: 0, failing: true });
    flaky.connection = 'up';
    await clock.advance(30_000);
    expect(sender.status).toMatchObject({ logs: 0, bytes: 0, put: 2, failing: false });
    expect(Object.values(await evidence()).sort()).toEqual(['one', 'two']);
    expect(lines).toEqual([
      'the log takes no evidence (the server is gone): it waits in the data folder',
      'the log takes evidence again',
    ]);
  });

  it('waits longer between attempts, from 125 ms to 15 s at the least jitter', async () => {
    flaky.connection = 'down';
    const sender = publisher();
    sender.keep(logOf('panic'));
    const retriesAt: number[] = [];
    for (let ms = 0; ms < 80_000; ms += 25) {
      await clock.advance(ms === 0 ? 0 : 25);
      if (sender.status.retries > retriesAt.length) retriesAt.push(ms);
    }
    const gaps = retriesAt.map((ms, i) => ms - (retriesAt[i - 1] ?? ms)).slice(1);
    expect(gaps).toEqual([125, 250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000]);
  });

  it('that is taken makes the waiting for the rest begin anew', async () => {
    const taken = `crash/${digestOf('two')}`;
    let takesOne = false;
    const put: Blobs['put'] = async (name) => {
      if (!takesOne || name !== taken) throw new LogError('unavailable', 'the server is gone');
    };
    const sender = publisher({ log: { evidence: { put } } });
    for (const text of ['one', 'two', 'three']) sender.keep(logOf(text));
    await clock.advance(120_000);
    takesOne = true;
    while (sender.status.put === 0) await clock.advance(1000);
    const { retries } = sender.status;
    await clock.advance(125 + 250 + 500);
    expect(sender.status.retries).toBeGreaterThanOrEqual(retries + 2);
  });

  it('is one object although the answer was lost', async () => {
    flaky.connection = 'answers-lost';
    publisher().keep(logOf('panic'));
    await clock.advance(100);
    flaky.connection = 'up';
    await clock.advance(5000);
    expect(flaky.puts).toHaveLength(2);
    expect(await evidence()).toEqual({ [`crash/${digestOf('panic')}`]: 'panic' });
    expect(readdirSync(dir)).toEqual([]);
  });

  it('goes one at a time, the oldest first', async () => {
    const { log, held } = heldLog();
    const sender = publisher({ log });
    for (const text of ['one', 'two', 'three']) sender.keep(logOf(text));
    const names: string[] = [];
    for (let round = 0; round < 3; round++) {
      await clock.advance(60_000);
      expect(held).toHaveLength(1);
      for (const { name, resolve } of held.splice(0)) {
        names.push(name);
        resolve();
      }
    }
    await clock.advance(0);
    expect(names).toEqual(['one', 'two', 'three'].map((text) => `crash/${digestOf(text)}`));
    expect(sender.status).toMatchObject({ logs: 0, put: 3 });
  });

  it('that is refused again and again holds up no other', async () => {
    const refused = `crash/${digestOf('large')}`;
    let refusing = true;
    const put: Blobs['put'] = async (name, chunks) => {
      if (refusing && name === refused) throw new LogError('full', 'the bucket is full');
      await flaky.log.evidence.put(name, chunks);
    };
    const sender = publisher({ log: { evidence: { put } } });
    for (const text of ['large', 'small', 'smaller']) sender.keep(logOf(text));
    await clock.advance(125);
    expect(Object.values(await evidence()).sort()).toEqual(['small', 'smaller']);
    sender.keep(logOf('later'));
    await clock.advance(60_000);
    expect(Object.values(await evidence()).sort()).toEqual(['later', 'small', 'smaller']);
    expect(sender.status).toMatchObject({ logs: 1, put: 3, failing: true });
    refusing = false;
    await clock.advance(30_000);
    expect(sender.status).toMatchObject({ logs: 0, put: 4, failing: false });
    expect(lines).toEqual([
      'the log takes no evidence (the bucket is full): it waits in the data folder',
      'the log takes evidence again',
    ]);
  });

  it.each([
    ['bytes', { maxBytes: 20, maxLogs: 100 }, 'among 100 of 20 bytes'],
    ['number', { maxBytes: 1e6, maxLogs: 2 }, 'among 2 of 1000000 bytes'],
  ])('is bounded in %s: the oldest are evicted, counted, and given up', async (_, bounds, said) => {
    flaky.connection = 'down';
    const sender = publisher(bounds);
    for (const text of ['log one..', 'log two..', 'log three', 'log four.']) sender.keep(logOf(text));
    expect(sender.status).toMatchObject({ logs: 2, bytes: 18 });
    expect(readdirSync(dir).sort()).toEqual([digestOf('log three'), digestOf('log four.')].sort());
    expect(lost).toEqual({ evicted: 2 });
    await clock.advance(1000);
    sender.keep(logOf('log five.'));
    expect(lost).toEqual({ evicted: 3 });
    flaky.connection = 'up';
    await clock.advance(60_000);
    expect(Object.values(await evidence()).sort()).toEqual(['log five.', 'log four.']);
    expect(lines.filter((line) => line.includes('evicted'))).toEqual([
      `logs of crashes find no room ${said}: the oldest are evicted and counted`,
    ]);
    expect(lines.at(-1)).toBe('the log takes evidence again');
  });

  it('that is larger than all may be is counted, and pushes out no other', async () => {
    flaky.connection = 'down';
    const sender = publisher({ maxBytes: 10 });
    sender.keep(logOf('small'));
    expect(sender.keep(logOf('much too large'))).toBe(digestOf('much too large'));
    expect(lost).toEqual({ evicted: 1 });
    expect(readdirSync(dir)).toEqual([digestOf('small')]);
  });

  it('that was evicted while it was under way may arrive nevertheless', async () => {
    const { log, held } = heldLog();
    const sender = publisher({ log, maxLogs: 1 });
    sender.keep(logOf('one'));
    sender.keep(logOf('two'));
    expect(lost).toEqual({ evicted: 1 });
    for (const name of ['one', 'two']) {
      const [put] = held.splice(0);
      expect(put?.name).toBe(`crash/${digestOf(name)}`);
      put?.resolve();
      await clock.advance(0);
    }
    expect(sender.status).toMatchObject({ logs: 0, bytes: 0, put: 2 });
    expect(lost).toEqual({ evicted: 1 });
  });
});

describe('evidence of an earlier run', () => {
  it('is put, the oldest first, and counts towards the bounds', async () => {
    flaky.connection = 'down';
    const before = publisher();
    for (const [index, text] of ['one', 'two', 'three'].entries()) {
      utimesSync(join(dir, before.keep(logOf(text))), index, index);
    }
    before.stop();
    await clock.advance(60_000);
    flaky.connection = 'up';
    const after = publisher({ maxLogs: 2 });
    expect(after.status).toMatchObject({ logs: 2 });
    expect(lost).toEqual({ evicted: 1 });
    await clock.advance(60_000);
    expect(flaky.puts).toEqual(['two', 'three'].map((text) => `crash/${digestOf(text)}`));
    expect(Object.values(await evidence()).sort()).toEqual(['three', 'two']);
    expect(readdirSync(dir)).toEqual([]);
  });

  it.each<[string, (path: string) => void]>([
    ['cut short', (path) => truncateSync(path, 2)],
    ['altered', (path) => writeFileSync(path, 'PANIC')],
    ['gone', (path) => rmSync(path)],
  ])('that is %s is dropped and counted, and the rest is put', async (_, damage) => {
    flaky.connection = 'down';
    const before = publisher();
    for (const text of ['panic', 'other']) before.keep(logOf(text));
    before.stop();
    await clock.advance(60_000);
    flaky.connection = 'up';
    const store = openEvidence(data);
    const listed = store.list();
    damage(join(dir, digestOf('panic')));
    publisher({ store: { ...store, list: () => listed } });
    await clock.advance(0);
    expect(await evidence()).toEqual({ [`crash/${digestOf('other')}`]: 'other' });
    expect(readdirSync(dir)).toEqual([]);
    expect(lost).toEqual({ damaged: 1 });
    expect(lines.at(-1)).toMatch(
      new RegExp(
        `^the log of a crash that was kept as ${digestOf('panic')} is damaged \\(.+\\): it is dropped and counted$`,
      ),
    );
  });
});

describe('evidence that cannot be written', () => {
  it('is counted and said once, and so is the end of it', async () => {
    writeFileSync(dir, 'in the way');
    const sender = publisher();
    expect(lines).toEqual([
      expect.stringMatching(
        /^logs of crashes that were kept cannot be read \(ENOTDIR: .*\): check the folder's permissions$/,
      ),
    ]);
    expect([sender.keep(logOf('one')), sender.keep(logOf('two'))]).toEqual([
      digestOf('one'),
      digestOf('two'),
    ]);
    expect(lost).toEqual({ unwritable: 2 });
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(
        /^the log of a crash cannot be kept \(E.*\): it is lost and counted; free space, check the folder's permissions, or set "data"$/,
      ),
    ]);
    rmSync(dir);
    sender.keep(logOf('three'));
    await clock.advance(0);
    expect(await evidence()).toEqual({ [`crash/${digestOf('three')}`]: 'three' });
    expect(lines.slice(2)).toEqual(['logs of crashes can be kept again']);
    expect(sender.status).toMatchObject({ logs: 0, bytes: 0, put: 1 });
  });

  it('but not removed is put once more after a restart', async () => {
    const store = openEvidence(data);
    const stuck = {
      ...store,
      remove: () => {
        throw new Error('EROFS: read-only file system');
      },
    };
    const sender = publisher({ store: stuck });
    sender.keep(logOf('panic'));
    await clock.advance(60_000);
    expect(sender.status).toMatchObject({ logs: 0, put: 1 });
    publisher();
    await clock.advance(0);
    expect(flaky.puts).toHaveLength(2);
    expect(readdirSync(dir)).toEqual([]);
    expect([lines, lost]).toEqual([[], {}]);
  });
});

describe('the end of a run', () => {
  it('waits until everything is put, but not for longer than it may', async () => {
    const sender = publisher();
    expect(await sender.flush(3000)).toBe(true);
    sender.keep(logOf('one'));
    expect(await sender.flush(3000)).toBe(true);
    flaky.connection = 'down';
    sender.keep(logOf('two'));
    let flushed: boolean | undefined;
    void sender.flush(3000).then((done) => {
      flushed = done;
    });
    await clock.advance(2999);
    expect(flushed).toBeUndefined();
    await clock.advance(1);
    await clock.advance(0);
    expect(flushed).toBe(false);
    sender.stop();
    flaky.connection = 'up';
    await clock.advance(60_000);
    expect(readdirSync(dir)).toEqual([digestOf('two')]);
  });
});

describe('whatever happens', () => {
  const step = fc.oneof(
    fc.record({ keep: fc.integer({ min: 0, max: 12 }) }),
    fc.record({ connection: fc.constantFrom<Connection>('up', 'down', 'answers-lost') }),
    fc.record({ passMs: fc.integer({ min: 0, max: 10_000 }) }),
    fc.constant({ restart: true as const }),
  );

  it('every log is in the evidence as it was, or counted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = { clock: new FakeClock(), store: openEvidence(':memory:'), evicted: 0 };
        const log = new FlakyLog(world.clock);
        const open = () =>
          publisher({
            ...{ store: world.store, log: log.log, clock: world.clock, maxLogs: 4 },
            lost: (hop, count) => {
              expect(hop).toBe('evicted');
              world.evicted += count;
            },
          });
        const kept = new Set<string>();
        let sender = open();
        for (const one of steps) {
          if ('keep' in one) kept.add(sender.keep(logOf(`log ${one.keep}`)));
          else if ('connection' in one) log.connection = one.connection;
          else if ('passMs' in one) await world.clock.advance(one.passMs);
          else {
            sender.stop();
            await world.clock.advance(0);
            sender = open();
          }
        }
        log.connection = 'up';
        await world.clock.advance(200_000);
        const names = await log.log.evidence.list('crash/');
        for (const name of names) {
          const chunks: Uint8Array[] = [];
          for await (const chunk of (await log.log.evidence.get(name)) ?? []) chunks.push(chunk);
          expect(name).toBe(`crash/${sha256(Buffer.concat(chunks))}`);
          expect(kept).toContain(name.slice('crash/'.length));
        }
        expect(sender.status).toMatchObject({ logs: 0, bytes: 0, failing: false });
        expect(world.store.list()).toEqual([]);
        expect(names.length).toBeGreaterThanOrEqual(kept.size - world.evicted);
        await log.close();
      }),
      { numRuns: 200 },
    );
  });
});
