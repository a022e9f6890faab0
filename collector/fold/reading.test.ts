import { signatureOf } from '@netfall/crash';
import type { CrashReport, StoredReading } from '@netfall/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crashOf, NEW, type StoredRecord, shownCrash } from './crash.ts';
import { order } from './incident.ts';
import type { Crash } from './model.ts';
import { newerOf, readingOf } from './reading.ts';
import { aReading, aRecord, aReport } from './testing/crash-items.ts';
import { fold } from './testing/folded.ts';
import { Story } from './testing/story.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const titled = (title: string, corrupted = '') => aReading({ title, corrupted });

describe('a reading', () => {
  test('is kept as it came, in plain data', () => {
    const read = { parser_version: 3, reading: aReading() };
    expect(readingOf(read)).toEqual(read);
    expect(readingOf({ parser_version: 3, reading: null })).toEqual({ parser_version: 3, reading: null });
  });

  test('is cut where a name is longer than it may be', () => {
    const long = 'x'.repeat(256);
    const [frame] = aReading().frames;
    const reading = aReading({
      ...{ title: long, alternates: [long], bug: long, corrupted: long, place: long, process: long },
      ...{ type: long, taint: long, frames: [{ ...frame!, function: long, passed: long }] },
    });
    expect(readingOf({ parser_version: 1, reading }).reading).toEqual({
      ...reading,
      signature: '1:295fa478294e7725',
      ...{ place: 'x'.repeat(128), type: 'x'.repeat(128), process: 'x'.repeat(32), taint: 'x'.repeat(32) },
      frames: [{ ...frame, function: 'x'.repeat(128), passed: 'x'.repeat(32) }],
    });
  });

  test('has the signature of what it says, whatever is claimed, but of versions that are not known', () => {
    const signature = (claimed: string) =>
      readingOf({ parser_version: 1, reading: aReading({ signature: claimed }) }).reading?.signature;
    expect(signature('1:00000000000000aa')).toBe(signatureOf(aReading()));
    expect(signature('2:00000000000000aa')).toBe('2:00000000000000aa');
  });

  test('gives way to a newer parser’s alone', () => {
    const read = (parser_version: number, title: string) => ({ parser_version, reading: titled(title) });
    expect(newerOf(read(1, 'a'), read(2, 'b'))).toEqual(read(2, 'b'));
    expect(newerOf(read(2, 'a'), read(2, 'b'))).toEqual(read(2, 'a'));
    expect(newerOf(read(2, 'a'), read(1, 'b'))).toEqual(read(2, 'a'));
    const none = { parser_version: 3, reading: null };
    expect(newerOf(read(2, 'a'), none)).toEqual(none);
  });
});

describe('the reading of a crash', () => {
  const of = (...records: Partial<StoredRecord>[]) => {
    const whole = { revision: 1, digest: A, bytes: 4000, complete: true, parser_version: 2 };
    return shownCrash(
      crashOf(
        NEW,
        records.map((part, i) => aRecord({ record: `r${i}`, known_us: i + 1, ...whole, ...part })),
      ),
    );
  };
  const holes = [{ at: 0, bytes: 10, exact: true }];

  test.each<[string, Partial<StoredRecord>[], string | undefined]>([
    ['none', [{}, { reading: null }], undefined],
    ['the best log’s', [{ reading: titled('a'), complete: false }, { reading: titled('b') }], 'b'],
    [
      'the next log’s when that of the best one is corrupted',
      [
        { reading: titled('a'), complete: false, bytes: 9 },
        { reading: titled('b', 'cut') },
        { reading: titled('c'), complete: false, bytes: 10 },
      ],
      'c',
    ],
    [
      'the next log’s when the best one tells of no crash',
      [
        { reading: titled('a'), complete: false, holes },
        { reading: null },
        { reading: titled('c'), bytes: 1 },
      ],
      'c',
    ],
    [
      'the best log’s when all are corrupted',
      [{ reading: titled('a', 'cut'), complete: false }, { reading: titled('b', 'cut') }],
      'b',
    ],
    [
      'a corrupted one where there is no other',
      [{ reading: null }, { reading: titled('b', 'cut'), complete: false, holes }],
      'b',
    ],
  ])('is %s', (_name, records, title) => {
    expect(of(...records).reading?.title).toBe(title);
  });

  test('is told with its parser and the modules, and those of records without the modules', () => {
    const crash = of({ reading: titled('a'), parser_version: 7, complete: false }, { reading: null });
    expect([crash.best, crash.parser_version, crash.reading]).toEqual([1, 7, titled('a')]);
    const { modules: _, unlisted_modules: __, ...rest } = titled('a');
    expect(crash.records.map(({ reading }) => reading)).toEqual([rest, null]);
    expect(crash.read).toBe(0);
  });

  test('that there is none is told by the parser that read the best log', () => {
    const none = { reading: null, parser_version: 7 };
    expect(of({ ...none, complete: false, parser_version: 8 }, none)).toMatchObject({
      ...{ best: 1, read: null, reading: null, parser_version: 7 },
    });
    expect(of({ reading: null, parser_version: 0 }).parser_version).toBe(0);
  });
});

const crashesOf = (story: Story): Crash[] => Array.from(fold(story).rows().crashes, shownCrash).sort(order);
const titlesOf = (story: Story) =>
  crashesOf(story).map(({ version, parser_version, reading, records }) => [
    version,
    parser_version,
    reading?.title ?? null,
    ...records.map((record) => record.parser_version),
  ]);

/** One of another host each, far apart. */
function report(story: Story, second: number, n: number, part: Partial<Omit<CrashReport, 'witness'>>): void {
  const witness = { record: `r${n}`, sender: `192.0.2.${n}`, line: `panic ${n}`, uptime_us: (n + 1) * 1e9 };
  story.report(second, 'relay', { items: [{ crash_report: aReport(witness, part) }] });
}
const stored = (digest: string, parser_version: number, reading: StoredReading['reading']) => {
  return { digest, parser_version, reading };
};

describe('what a newer parser reads', () => {
  test('is of all records of that log, and of no others', () => {
    const story = new Story();
    report(story, 1, 1, { digest: A, parser_version: 1, reading: titled('old') });
    report(story, 2, 2, { digest: B, parser_version: 1, reading: titled('other') });
    report(story, 3, 3, { digest: A });
    story.read(4, stored(A, 2, titled('new')));
    expect(titlesOf(story)).toEqual([
      [2, 2, 'new', 2],
      [1, 1, 'other', 1],
      [2, 2, 'new', 2],
    ]);
  });

  test('outlives a later report of the same log, but not of one that lacks something else', () => {
    const hole = { at: 9, bytes: 10, exact: true };
    const after = (holes: CrashReport['holes']) => {
      const story = new Story();
      const old = { digest: A, parser_version: 1, reading: titled('old'), holes: [hole] };
      report(story, 1, 1, old);
      story.read(2, stored(A, 2, titled('new')));
      report(story, 3, 1, { ...old, revision: 2, holes });
      return titlesOf(story);
    };
    expect(after([hole])).toEqual([[3, 2, 'new', 2]]);
    expect(after([{ ...hole, at: 5 }])).toEqual([[3, 1, 'old', 1]]);
    expect(after([hole, { ...hole, at: 20 }])).toEqual([[3, 1, 'old', 1]]);
  });

  test('may be that there was no crash', () => {
    const story = new Story();
    report(story, 1, 1, { digest: A, parser_version: 1, reading: titled('old') });
    story.read(2, stored(A, 2, null));
    expect(titlesOf(story)).toEqual([[2, 2, null, 2]]);
    // As a row has it: what is undefined would be lost there.
    expect([...fold(story).rows().crashes][0]?.records[0]).toStrictEqual(
      expect.objectContaining({ reading: null }),
    );
  });

  test('changes nothing when it is not newer, comes again, or is of no log that is known', () => {
    const story = new Story();
    report(story, 1, 1, { digest: A, parser_version: 2, reading: titled('old') });
    for (const version of [1, 2]) story.read(2, stored(A, version, titled('new')));
    story.read(2, stored(B, 3, titled('new')));
    expect(titlesOf(story)).toEqual([[1, 2, 'old', 2]]);
    for (let i = 0; i < 2; i++) story.read(3, stored(A, 3, titled('new')));
    expect(titlesOf(story)).toEqual([[2, 3, 'new', 3]]);
    expect(fold(story).rows().global.rejected).toEqual({});
  });

  test('stays when the same log is reported again, and goes with another log', () => {
    const story = new Story();
    report(story, 1, 1, { digest: A, parser_version: 1, reading: titled('old') });
    story.read(2, stored(A, 2, titled('new')));
    report(story, 3, 1, { digest: A, revision: 2, parser_version: 1, reading: titled('old') });
    expect(titlesOf(story)).toEqual([[3, 2, 'new', 2]]);
    report(story, 4, 1, { digest: B, revision: 3, parser_version: 1, reading: titled('more') });
    expect(titlesOf(story)).toEqual([[4, 1, 'more', 1]]);
    // Of the log that is not that record's any more.
    story.read(5, stored(A, 3, titled('newer')));
    expect(titlesOf(story)).toEqual([[4, 1, 'more', 1]]);
    story.read(6, stored(B, 3, titled('newer')));
    expect(titlesOf(story)).toEqual([[5, 3, 'newer', 3]]);
  });

  test('is rejected on another subject', () => {
    const story = new Story();
    report(story, 1, 1, { digest: A });
    const { data } = story.read(2, stored(A, 1, titled('new')));
    story.entries.pop();
    story.say(3, 'netfall.test.tick', data);
    expect(titlesOf(story)).toEqual([[1, 0, null, 0]]);
    expect(fold(story).rows().global.rejected).toEqual({ invalid: 1 });
  });
});

test('in any order, late or twice, a record has the newest of its report’s reading and of those that came after it', () => {
  const version = fc.nat(4);
  const event = fc.oneof(
    fc.record({ record: fc.nat(4), version, found: fc.boolean() }),
    fc.record({
      digest: fc.constantFrom(A, B),
      version: fc.integer({ min: 1, max: 5 }),
      found: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const story = new Story();
      const digestOf = (record: number) => (record < 3 ? A : B);
      const reading = (i: number, found: boolean) => (found ? titled(`${i}`) : null);
      for (const [i, one] of events.entries()) {
        if ('digest' in one) {
          story.read(i, stored(one.digest, one.version, reading(i, one.found)));
          continue;
        }
        const read = { parser_version: one.version, reading: one.version > 0 ? reading(i, one.found) : null };
        report(story, i, one.record, { digest: digestOf(one.record), ...read });
      }
      const found = crashesOf(story).flatMap(({ records }) => records);
      for (let record = 0; record < 5; record++) {
        // Of reports with the same revision the first counts.
        const at = events.findIndex((one) => 'record' in one && one.record === record);
        const expected = { version: 0, title: undefined as string | undefined };
        for (const [i, one] of events.entries()) {
          const isOfIt = i === at || (i > at && 'digest' in one && one.digest === digestOf(record));
          if (at < 0 || !isOfIt || one.version <= expected.version) continue;
          expected.version = one.version;
          expected.title = one.found ? `${i}` : undefined;
        }
        const kept = found.find((known) => known.record === `r${record}`);
        expect([kept?.parser_version ?? 0, kept?.reading?.title]).toEqual([expected.version, expected.title]);
      }
    }),
    { numRuns: 300 },
  );
});
