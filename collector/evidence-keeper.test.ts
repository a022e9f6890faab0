import { createHash } from 'node:crypto';
import { type Log, LogError } from '@netfall/log';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CRASH_LOGS } from './evidence.ts';
import { EvidenceKeeper } from './evidence-keeper.ts';
import { Fold } from './fold/fold.ts';
import { aReport, aWitness } from './fold/testing/crash-items.ts';
import { Story, testRules } from './fold/testing/story.ts';
import { Store } from './store/store.ts';
import { facade, ReplicaBed, ready, until } from './testing/replica-bed.ts';

const logName = (text: string) => CRASH_LOGS + createHash('sha256').update(text).digest('hex');
const digest = (text: string) => logName(text).slice(CRASH_LOGS.length);
const put = (log: Log, ...texts: string[]) =>
  Promise.all(texts.map((text) => log.evidence.put(logName(text), [Buffer.from(text)])));

let bed: ReplicaBed;
beforeEach(() => {
  bed = new ReplicaBed();
});
afterEach(() => bed.close());

describe('logs of crashes', () => {
  const said: string[] = [];
  const say = { info: (line: string) => said.push(line), warn: (line: string) => said.push(line) };
  const kept = () => bed.log.evidence.list('');
  /** A database in which crashes refer to these logs. */
  const refer = (path: string, ...texts: string[]) => {
    const story = new Story();
    for (const [i, text] of texts.entries()) {
      const witness = { record: `r${i}`, sender: `192.0.2.${i}`, uptime_us: i * 1e9 };
      story.report(i, 'relay', { items: [{ crash_report: aReport(witness, { digest: digest(text) }) }] });
    }
    story.report(9, 'relay', { items: [{ crash_witness: aWitness({ record: 'w' }) }] });
    const fold = new Fold(testRules);
    for (const entry of story.entries) fold.apply(entry);
    const store = new Store(path);
    store.replace(fold.rows(), { identity: 'log', sequence: 9, entryDigest: '', foldVersion: 1 });
    store.close();
  };
  beforeEach(() => {
    said.length = 0;
  });

  test('are removed when no crash refers to them at two looks in a row', async () => {
    const path = bed.newPath();
    await put(bed.log, 'a', 'b', 'c');
    await bed.log.evidence.put('traces/1', [Buffer.from('not a crash')]);
    refer(path, 'a');
    const keeper = new EvidenceKeeper({ evidence: bed.log.evidence, path, say });
    await keeper.look();
    expect(await kept()).toEqual([...['a', 'b', 'c'].map(logName), 'traces/1'].sort());
    // The report of one of them came.
    refer(path, 'a', 'b');
    await put(bed.log, 'd');
    await keeper.look();
    expect(await kept()).toEqual([...['a', 'b', 'd'].map(logName), 'traces/1'].sort());
    expect(said).toEqual(['removed 1 log to which no crash refers any more']);
    // The crash of another one is forgotten.
    refer(path, 'b');
    await keeper.look();
    expect(await kept()).toEqual([...['a', 'b'].map(logName), 'traces/1'].sort());
    await keeper.look();
    expect(await kept()).toEqual([logName('b'), 'traces/1'].sort());
  });

  test('stay when they were referred to in between', async () => {
    const path = bed.newPath();
    await put(bed.log, 'a');
    const keeper = new EvidenceKeeper({ evidence: bed.log.evidence, path, say });
    for (const texts of [[], ['a'], []]) {
      refer(path, ...texts);
      await keeper.look();
      expect(await kept()).toEqual([logName('a')]);
    }
  });

  test('are removed another time when the log cannot be reached', async () => {
    const path = bed.newPath();
    await put(bed.log, 'a');
    refer(path);
    let fails = false;
    const { evidence } = bed.log;
    const flaky = {
      list: (prefix: string) => evidence.list(prefix),
      delete: (name: string) =>
        fails ? Promise.reject(new LogError('timeout', 'no answer')) : evidence.delete(name),
    };
    const keeper = new EvidenceKeeper({ evidence: flaky, path, say });
    await keeper.look();
    fails = true;
    await expect(keeper.look()).rejects.toThrow('no answer');
    expect(await kept()).toEqual([logName('a')]);
    fails = false;
    await keeper.look();
    expect(await kept()).toEqual([]);
  });
});

test('the replica that holds the claim looks every hour, and no other one', async () => {
  const HOUR_MS = 3_600_000;
  /** What is due in an hour is due soon. */
  const hasty = {
    nowUs: () => bed.clock.nowUs(),
    setTimer: (ms: number, run: () => void) => bed.clock.setTimer(ms === HOUR_MS ? 1000 : ms, run),
  };
  const looks: string[] = [];
  const watched = (name: string): Log => ({
    ...facade(bed.log),
    evidence: {
      ...bed.log.evidence,
      list: (prefix) => {
        looks.push(name);
        return bed.log.evidence.list(prefix);
      },
    },
  });
  await put(bed.log, 'kept', 'stray');
  const story = new Story();
  const { subject, data } = story.report(0, 'relay', {
    items: [{ crash_report: aReport({}, { digest: digest('kept') }) }],
  });
  await bed.log.append({ subject, data, id: 'crash' });
  const one = await bed.start('r1', { clock: hasty, log: watched('r1') });
  await until(() => one.replica.mayDeliver());
  const two = await bed.start('r2', { clock: hasty, log: watched('r2') });
  await ready(two);
  await vi.waitFor(async () => expect(await bed.log.evidence.list('')).toEqual([logName('kept')]), {
    timeout: 25_000,
  });
  expect(one.said).toContain('removed 1 log to which no crash refers any more');
  expect(new Set(looks)).toEqual(new Set(['r1']));
});
