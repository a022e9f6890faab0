import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PARSER_VERSION } from '@netfall/crash';
import { type Log, LogError, openJetStreamLog, systemClock } from '@netfall/log';
import { cellSubjects, type StoredReading } from '@netfall/proto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findNatsServer, NATS_SERVER_MISSING, startNatsServer } from '../test/nats-server.ts';
import { CRASH_LOGS } from './evidence.ts';
import { Fold } from './fold/fold.ts';
import { aReading, aReport, aWitness } from './fold/testing/crash-items.ts';
import { CELL, Story, testRules } from './fold/testing/story.ts';
import { ReadingKeeper } from './reading-keeper.ts';
import { Store } from './store/store.ts';
import { facade, ReplicaBed, ready, until } from './testing/replica-bed.ts';

const captured = (name: string) =>
  gunzipSync(readFileSync(new URL(`../test/fixtures/crashes/${name}.console.txt.gz`, import.meta.url)));
const OOPS = captured('6.12-null-dereference');
const digestOf = (log: Uint8Array | string) => createHash('sha256').update(log).digest('hex');
const put = (log: Log, ...logs: (Buffer | string)[]) =>
  Promise.all(logs.map((bytes) => log.evidence.put(CRASH_LOGS + digestOf(bytes), [Buffer.from(bytes)])));
/** What any version of the parser reads off that log. */
const oops = { type: 'null-pointer-dereference', process: 'sh', taint: 'GOE' };

let bed: ReplicaBed;
beforeEach(() => {
  bed = new ReplicaBed();
});
afterEach(() => bed.close());

type Part = Parameters<typeof aReport>[1];

/** A report of the nth crash. */
const reportOf = (n: number, part: Part) =>
  aReport({ record: `r${n}`, sender: `192.0.2.${n}`, line: `panic ${n}`, uptime_us: (n + 1) * 1e9 }, part);

describe('logs of crashes', () => {
  const said: string[] = [];
  const say = { info: (line: string) => said.push(line), warn: (line: string) => said.push(line) };
  let appended: StoredReading[] = [];
  let story: Story;
  let path: string;
  beforeEach(() => {
    said.length = 0;
    appended = [];
    story = new Story();
    path = bed.newPath();
  });

  /** A database in which there are these crashes, the last one the newest; then what was appended since. */
  function store(): void {
    const fold = new Fold(testRules);
    for (const entry of story.entries) fold.apply(entry);
    const database = new Store(path);
    database.replace(fold.rows(), { identity: 'log', sequence: 9, entryDigest: '', foldVersion: 1 });
    database.close();
  }
  function crashes(...parts: Part[]): void {
    for (const [n, part] of parts.entries())
      story.report(n, 'relay', { items: [{ crash_report: reportOf(n, part) }] });
    store();
  }
  function keeper(part: Partial<ConstructorParameters<typeof ReadingKeeper>[0]> = {}): ReadingKeeper {
    return new ReadingKeeper({
      ...{ evidence: bed.log.evidence, path, clock: systemClock, say, mayGoOn: () => true },
      append: async (reading) => {
        appended.push(reading);
        story.read(100, reading);
        store();
      },
      ...part,
    });
  }
  const versions = () =>
    appended.map(({ digest, parser_version, reading }) => [digest, parser_version, reading?.type ?? null]);

  test('are read again when their reading is of an older parser, each once, the newest crash’s first', async () => {
    const quiet = Buffer.from('[    1.000000] eth0: link up\n');
    await put(bed.log, OOPS, quiet, 'of the newest parser');
    crashes(
      { digest: digestOf(OOPS), parser_version: 1, reading: aReading() },
      { digest: digestOf(quiet) },
      { digest: digestOf('of the newest parser'), parser_version: 7, reading: aReading() },
      { digest: digestOf(OOPS), parser_version: 6 },
      { digest: digestOf('of a later release'), parser_version: 8 },
    );
    story.report(50, 'relay', {
      items: [{ crash_witness: aWitness({ record: 'w', sender: '192.0.2.99' }) }],
    });
    store();
    const one = keeper({ version: 7 });
    await one.look();
    expect(versions()).toEqual([
      [digestOf(OOPS), 7, 'null-pointer-dereference'],
      [digestOf(quiet), 7, null],
    ]);
    expect(appended[0]?.reading).toMatchObject(oops);
    expect(said).toEqual(['read 2 logs of crashes again with version 7 of the parser']);
    await one.look();
    expect(appended).toHaveLength(2);
  });

  test('are read by this release’s parser, with their holes', async () => {
    const at = OOPS.indexOf('queue_length.constprop.0+0x5') + 'queue_'.length;
    await put(bed.log, OOPS);
    crashes({
      ...{ digest: digestOf(OOPS), bytes: OOPS.length, complete: false },
      holes: [{ at, bytes: 100, exact: true }],
    });
    await keeper().look();
    expect(appended).toMatchObject([{ parser_version: PARSER_VERSION, reading: { type: oops.type } }]);
    expect(appended[0]?.reading?.frames[0]?.function).not.toBe('queue_length.constprop.0');
    expect(said).toEqual([`read 1 log of a crash again with version ${PARSER_VERSION} of the parser`]);
  });

  test('of which one cannot be read keep none waiting', async () => {
    const bad = Buffer.from('bad');
    await put(bed.log, OOPS, bad);
    crashes({ digest: digestOf(OOPS) }, { digest: digestOf(bad) });
    const get = (name: string) =>
      name.endsWith(digestOf(bad)) ? Promise.reject(new Error('timed out')) : bed.log.evidence.get(name);
    await keeper({ evidence: { get } }).look();
    expect(appended.map(({ digest }) => digest)).toEqual([digestOf(OOPS)]);
    expect(said).toEqual([
      expect.stringMatching(
        `^the log ${digestOf(bad)} of crash c\\d+-0 cannot be read \\(timed out\\): it is tried again later$`,
      ),
      `read 1 log of a crash again with version ${PARSER_VERSION} of the parser`,
    ]);
  });

  test('that are missing, damaged or too long wait until all others were read', async () => {
    await put(bed.log, OOPS);
    const damaged = digestOf('damaged');
    await bed.log.evidence.put(CRASH_LOGS + damaged, [Buffer.from('something else')]);
    const late = Buffer.from('late');
    crashes(
      { digest: digestOf(OOPS) },
      { digest: digestOf(late) },
      { digest: damaged },
      { digest: digestOf('long'), bytes: 16 * 1024 * 1024 + 1 },
    );
    const gets: string[] = [];
    const evidence = {
      get: (name: string) => {
        gets.push(name);
        return bed.log.evidence.get(name);
      },
    };
    const one = keeper({ version: 2, evidence });
    await one.look();
    expect(versions()).toEqual([[digestOf(OOPS), 2, 'null-pointer-dereference']]);
    expect(gets).toEqual([damaged, digestOf(late), digestOf(OOPS)].map((name) => CRASH_LOGS + name));
    await put(bed.log, late);
    await one.look();
    expect(versions().slice(1)).toEqual([[digestOf(late), 2, null]]);
  });

  test('are left when it is not this replica’s business any more, and when there was enough', async () => {
    const logs = Array.from({ length: 3 }, (_, n) => `log ${n}`);
    await put(bed.log, ...logs);
    crashes(...logs.map((log) => ({ digest: digestOf(log) })));
    let left = 1;
    await keeper({ version: 2, mayGoOn: () => left-- > 0 }).look();
    expect(appended).toHaveLength(1);
    let nowUs = 0;
    const clock = { nowUs: () => nowUs, setTimer: systemClock.setTimer };
    const slow = keeper({ version: 2, clock });
    const evidence = bed.log.evidence;
    vi.spyOn(evidence, 'get').mockImplementationOnce((name) => {
      nowUs = 60_000_001;
      return evidence.get(name);
    });
    await slow.look();
    expect(appended).toHaveLength(2);
    await slow.look();
    expect(appended).toHaveLength(3);
  });

  test('are at most 500 in a look, and 128 MiB; the others are read in the next one', async () => {
    const many = Array.from({ length: 501 }, (_, n) => Buffer.from(`log ${n}`));
    const most = Buffer.alloc(16 * 1024 * 1024, '\n');
    const long = Array.from({ length: 9 }, (_, n) => Buffer.concat([Buffer.from(`${n}`), most.subarray(1)]));
    for (const [logs, inFirst] of [[many, 500] as const, [long, 8] as const]) {
      appended = [];
      story = new Story();
      const byName = new Map(logs.map((bytes) => [CRASH_LOGS + digestOf(bytes), [bytes]]));
      const evidence = {
        get: async (name: string) => ReadableStream.from(byName.get(name) ?? []),
      };
      const inOneCrash = Array.from({ length: Math.ceil(logs.length / 16) }, (_, n) =>
        logs.slice(16 * n, 16 * n + 16),
      );
      for (const [n, some] of inOneCrash.entries()) {
        const items = some.map((bytes, i) => {
          const report = reportOf(n, { digest: digestOf(bytes), bytes: bytes.length });
          return {
            crash_report: { ...report, witness: { ...report.witness!, record: `r${n}-${i}` } },
          };
        });
        story.report(n, 'relay', { items });
      }
      store();
      const one = keeper({ evidence, append: async (reading) => void appended.push(reading) });
      await one.look();
      expect(appended).toHaveLength(inFirst);
      for (const reading of appended) story.read(100, reading);
      store();
      await one.look();
      expect(appended).toHaveLength(logs.length);
      expect(new Set(appended.map(({ digest }) => digest)).size).toBe(logs.length);
    }
  }, 30_000);

  test('are read another time when the log cannot be reached, and by one look at a time', async () => {
    await put(bed.log, 'a', 'b');
    crashes({ digest: digestOf('a') }, { digest: digestOf('b') });
    let fails = true;
    const one: ReadingKeeper = keeper({
      version: 2,
      append: async (reading) => {
        if (fails) throw new LogError('timeout', 'no answer');
        appended.push(reading);
      },
    });
    await expect(one.look()).rejects.toThrow('no answer');
    await one.idle();
    fails = false;
    await Promise.all([one.look(), one.look()]);
    expect(appended).toHaveLength(2);
    expect(said).toEqual(['read 2 logs of crashes again with version 2 of the parser']);
  });
});

test('the replica that holds the claim looks at once and every hour, and no other one', async () => {
  const HOUR_MS = 3_600_000;
  /** What is due in an hour is due soon. */
  const hasty = {
    nowUs: () => bed.clock.nowUs(),
    setTimer: (ms: number, run: () => void) => bed.clock.setTimer(ms === HOUR_MS ? 1000 : ms, run),
  };
  const gets: string[] = [];
  const watched = (name: string): Log => ({
    ...facade(bed.log),
    evidence: {
      ...bed.log.evidence,
      get: (blob) => {
        gets.push(name);
        return bed.log.evidence.get(blob);
      },
    },
  });
  const story = new Story();
  const report = (n: number, log: Buffer | string) => {
    const { subject, data } = story.report(n, 'relay', {
      items: [{ crash_report: reportOf(n, { digest: digestOf(log) }) }],
    });
    return bed.log.append({ subject, data, id: `crash/${n}` });
  };
  await put(bed.log, OOPS);
  await report(1, OOPS);
  const one = await bed.start('r1', { log: watched('r1'), clock: hasty });
  await until(() => gets.length > 0);
  const two = await bed.start('r2', { log: watched('r2'), clock: hasty });
  await ready(two);
  // Just before its report: logs that nobody refers to are removed as soon as that.
  await put(bed.log, 'later');
  await report(2, 'later');
  await vi.waitFor(async () => expect(await bed.entriesOf('reading')).toHaveLength(2), { timeout: 25_000 });
  const [first, second] = await bed.entriesOf('reading');
  expect(first).toMatchObject({ digest: digestOf(OOPS), parser_version: PARSER_VERSION, reading: oops });
  expect(second).toMatchObject({ digest: digestOf('later'), reading: null });
  expect(new Set(gets)).toEqual(new Set(['r1']));
  expect([one.failures, two.failures]).toEqual([[], []]);
});

const missing = findNatsServer() === null;
describe.skipIf(missing)(missing ? `on NATS (${NATS_SERVER_MISSING})` : 'on NATS', () => {
  test('a log that an agent without a parser reported is read, and its crash has a name', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'netfall-readings-'));
    const server = await startNatsServer({ dir });
    const log = await openJetStreamLog({
      ...{ servers: [server.url], stream: 'netfall-test', subjects: [cellSubjects(CELL)] },
      clock: bed.clock,
    });
    try {
      await put(log, OOPS);
      const { subject, data } = new Story().report(1, 'relay', {
        items: [{ crash_report: reportOf(1, { digest: digestOf(OOPS) }) }],
      });
      await log.append({ subject, data, id: 'crash' });
      const one = await bed.start('r1', { log });
      const titles = () => {
        const store = new Store(one.path);
        const { rows } = store.load() ?? {};
        store.close();
        return [...(rows?.crashes ?? [])].map(({ records, read }) => records[read ?? -1]?.reading?.title);
      };
      await vi.waitFor(
        () => expect(titles()).toEqual([expect.stringMatching(/NULL pointer dereference in queue_length$/)]),
        { timeout: 25_000 },
      );
      await bed.stop(one);
    } finally {
      await log.close();
      await server.stop();
      rmSync(dir, { recursive: true });
    }
  }, 60_000);
});
