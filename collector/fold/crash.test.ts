import { describe, expect, test } from 'vitest';
import {
  type Came,
  crashOf,
  type KnownHost,
  knownHost,
  MOST_RECORDS,
  merged,
  NEW,
  recordOf,
  type StoredCrash,
  type StoredRecord,
  shownCrash,
  tellsMore,
} from './crash.ts';
import { aRecord, aReport, aWitness } from './testing/crash-items.ts';
import { START_US } from './testing/story.ts';

const S = 1_000_000;
const came: Came = {
  hostId: 'relay',
  hostname: 'relay.example.net',
  offsetUs: -2 * S,
  nowUs: START_US + 60 * S,
};
const nobody = { crashed: null, holders: [] };
const host = (id: string, part: Partial<KnownHost> = {}): KnownHost => {
  return { host_id: id, hostname: `${id}.example.net`, kernel: '', hardware: '', ...part };
};
const of = (...records: Partial<StoredRecord>[]): StoredCrash =>
  crashOf(
    NEW,
    records.map((part, i) => aRecord({ record: `r${i}`, known_us: START_US + i, ...part })),
  );

describe('a record', () => {
  test('of a witness has its first sign, at log time', () => {
    expect(recordOf(undefined, aWitness(), null, came, nobody)).toEqual(
      aRecord({
        hostname: 'relay.example.net',
        kernel: '6.1.0-18-amd64',
        known_us: START_US + 60 * S,
        first_us: START_US + 8 * S,
        last_us: START_US + 8 * S,
      }),
    );
  });

  test('of a report has its log, and stays who it was and since when', () => {
    const whose = { crashed: host('a'), holders: ['a'] };
    const before = recordOf(undefined, aWitness(), null, came, whose);
    const report = aReport(
      {
        source: 'netoops',
        sender: '10.9.9.9',
        boot_id: '7',
        kind: 'oops',
        line: 'Oops: 0002',
        uptime_us: 99,
      },
      {
        ...{ revision: 3, last_uptime_us: 101, digest: 'b'.repeat(64), bytes: 5000, complete: false },
        holes: [
          { at: 4000, bytes: 0, exact: false },
          { at: 1024, bytes: 300, exact: true },
        ],
        ...{ unlisted_holes: 2, wrap_at: 2048, parts: 5, duplicates: 10, lost_messages: 1 },
        hardware: 'QEMU Standard PC, BIOS 1.16',
      },
    );
    const later = { ...came, nowUs: START_US + 90 * S };
    expect(recordOf(before, report.witness!, report, later, whose)).toEqual({
      ...before,
      ...{ reported_us: START_US + 90 * S, last_us: START_US + 9 * S, boot_id: '7', revision: 3 },
      ...{ kind: 'oops', line: 'Oops: 0002', uptime_us: 99, last_uptime_us: 101 },
      ...{ digest: 'b'.repeat(64), bytes: 5000, complete: false, unlisted_holes: 2, wrap_at: 2048 },
      holes: [
        { at: 1024, bytes: 300, exact: true },
        { at: 4000, bytes: 0, exact: false },
      ],
      ...{ parts: 5, duplicates: 10, lost_messages: 1, hardware: 'QEMU Standard PC, BIOS 1.16' },
    });
  });

  test.each([
    ['a clock that is behind', START_US, -30, START_US - 30 * S],
    ['a moment that is yet to come', START_US + 500 * S, 0, START_US + 60 * S],
    ['no moment at all', 0, -30, START_US + 60 * S],
    ['a moment before 1970', 5, -30, 0],
  ])('of %s', (_name, first_us, offset, at) => {
    const from = { ...came, offsetUs: offset * S };
    expect(recordOf(undefined, aWitness({ first_us }), null, from, nobody).first_us).toBe(at);
  });

  test('ends no sooner than it begins', () => {
    const report = aReport({}, { last_us: START_US });
    const { first_us, last_us } = recordOf(undefined, report.witness!, report, came, nobody);
    expect([first_us, last_us]).toEqual([START_US + 8 * S, START_US + 8 * S]);
  });

  test('is not whole with holes, whatever its agent says', () => {
    const complete = (part: object) => {
      const report = aReport({}, part);
      return recordOf(undefined, report.witness!, report, came, nobody).complete;
    };
    expect(complete({})).toBe(true);
    expect(complete({ complete: false })).toBe(false);
    expect(complete({ unlisted_holes: 1 })).toBe(false);
    expect(complete({ holes: [{ at: 0, bytes: 1, exact: true }] })).toBe(false);
  });

  test('is cut where a text is longer than it may be', () => {
    const long = `${'x'.repeat(79)}😀 and more`;
    const report = aReport({ kernel: long, sender: long }, { hardware: 'y'.repeat(200) });
    const record = recordOf(undefined, report.witness!, report, came, nobody);
    expect(record.kernel).toBe(`${'x'.repeat(79)}\ufffd`);
    expect(record.sender).toBe(record.kernel);
    expect(record.hardware).toBe('y'.repeat(160));
    expect(record.line).toBe(aWitness().line);
  });
});

describe('what tells more', () => {
  const witnessed = aRecord();
  const reported = aRecord({ revision: 2 });
  test.each([
    ['a first witness', undefined, aWitness(), null, true],
    ['a witness again', witnessed, aWitness(), null, false],
    ['a witness that saw the line since', aRecord({ line: '' }), aWitness(), null, true],
    ['a witness of something graver', aRecord({ kind: 'warning' }), aWitness({ kind: 'oops' }), null, true],
    [
      'a witness of something as grave',
      aRecord({ kind: 'stall' }),
      aWitness({ kind: 'warning' }),
      null,
      false,
    ],
    ['a witness of what follows', aRecord({ kind: 'oops' }), aWitness({ kind: 'panic' }), null, false],
    ['a witness after a report', aRecord({ revision: 1, line: '' }), aWitness(), null, false],
    ['a report after its witness', witnessed, aWitness(), aReport({}, { revision: 1 }), true],
    ['a report without its witness', undefined, aWitness(), aReport(), true],
    ['the same revision', reported, aWitness(), aReport({}, { revision: 2 }), false],
    ['an earlier revision', reported, aWitness(), aReport({}, { revision: 1 }), false],
    ['a later revision', reported, aWitness(), aReport({}, { revision: 3 }), true],
  ])('%s: %#', (_name, before, witness, report, more) => {
    expect(tellsMore(before, witness, report)).toBe(more);
  });
});

describe('a crash', () => {
  test('is what its records say: the first that does, and of lines the earliest', () => {
    const early = { kind: 'oops', line: 'Oops: 0002', uptime_us: 99, first_us: START_US };
    const crash = of(
      { kernel: '', boot_id: '7', hardware: 'A' },
      { kernel: '6.1', boot_id: '8', hardware: 'B', revision: 1, ...early },
      { line: 'unknown when', uptime_us: 0, complete: true },
    );
    expect(shownCrash(crash)).toMatchObject({
      ...{ id: '', version: 0, host_id: '', hostname: '', at_us: START_US, detected_us: START_US },
      ...{ kind: 'oops', line: 'Oops: 0002', uptime_us: 99, kernel: '6.1', boot_id: '7', hardware: 'A' },
      ...{ state: 'reported', complete: true, unlisted_records: 0, mismatches: [], merged: [] },
    });
  });

  test.each([
    [['panic', 'oops', 'warning'], 'oops'],
    [['warning', 'hung task', 'stall'], 'stall'],
    [['stall', 'lockup', 'new'], 'new'],
  ])('of %j is the earliest that a kernel does not live on after, if there is one', (kinds, kind) => {
    expect(of(...kinds.map((each, i) => ({ kind: each, uptime_us: 100 - i }))).kind).toBe(kind);
  });

  test('of which only an uptime is known has that', () => {
    expect(of({ line: '', kind: '', uptime_us: 5 })).toMatchObject({ line: '', uptime_us: 5 });
    expect(of({ line: '', kind: '', uptime_us: 0 })).toMatchObject({ line: '', uptime_us: 0 });
  });

  test('is shown without what is the fold’s own', () => {
    const [record] = shownCrash(of({ crashed: host('a'), holders: ['a'] })).records;
    expect(Object.keys(record!)).not.toContain('crashed');
    expect(Object.keys(record!)).not.toContain('holders');
    expect(record).toMatchObject({ record: 'r0', sender: '10.0.0.7' });
  });

  test('has its records in the order in which they came, and those that came at once by agent and name', () => {
    const records = [
      aRecord({ host_id: 'b', record: 'r1' }),
      aRecord({ host_id: 'a', record: 'r2' }),
      aRecord({ host_id: 'a', record: 'r1' }),
      aRecord({ host_id: 'c', record: 'r1', known_us: START_US }),
    ];
    for (const list of [records, records.toReversed()]) {
      const names = crashOf(NEW, list).records.map(({ host_id, record }) => `${host_id} ${record}`);
      expect(names).toEqual(['c r1', 'a r1', 'a r2', 'b r1']);
    }
  });

  test('keeps the first of more records than it may have, and counts the others', () => {
    const records = Array.from({ length: MOST_RECORDS + 2 }, (_, i) => aRecord({ known_us: START_US + i }));
    const crash = crashOf({ ...NEW, unlisted_records: 1 }, records.toReversed());
    expect(crash.records.map(({ known_us }) => known_us - START_US)).toEqual([...Array(MOST_RECORDS).keys()]);
    expect(crash.unlisted_records).toBe(3);
  });

  test.each<[string, Partial<StoredRecord>[], string]>([
    ['nobody knows', [{}, {}], ''],
    ['the sender’s address tells', [{}, { crashed: host('a') }, { crashed: host('b') }], 'a'],
    ['its own agent tells', [{ crashed: host('b') }, { sender: '', crashed: host('a') }], 'a'],
  ])('is of the host that %s', (_name, records, whose) => {
    const { host_id, hostname } = of(...records);
    expect([host_id, hostname]).toEqual([whose, whose && `${whose}.example.net`]);
  });

  test('goes on under the older id when it turns out to be another one as well', () => {
    const older = { ...of({ record: 'r1' }), id: 'c5-0', version: 3, merged: ['c7-0'], unlisted_records: 1 };
    const younger = {
      ...of({ record: 'r2', known_us: START_US - 1 }),
      ...{ id: 'c9-1', version: 7, merged: ['c8-0'], unlisted_records: 2 },
    };
    expect(merged(older, younger)).toMatchObject({
      ...{ id: 'c5-0', version: 8, merged: ['c7-0', 'c8-0', 'c9-1'], unlisted_records: 3 },
      records: [{ record: 'r2' }, { record: 'r1' }],
    });
    const many = { ...older, merged: Array.from({ length: 16 }, (_, i) => `c1-${i}`) };
    expect(merged(many, younger).merged).toEqual([...many.merged.slice(2), 'c8-0', 'c9-1']);
    expect(merged(older, { ...younger, ...NEW }).merged).toEqual(['c7-0']);
  });
});

describe('the log to read first', () => {
  const log = (part: Partial<StoredRecord>) => ({ revision: 1, digest: 'd', bytes: 100, ...part });
  const hole = (bytes: number) => ({ at: 0, bytes, exact: true });
  test.each<[string, Partial<StoredRecord>[], number | null]>([
    ['none', [{}, {}], null],
    ['the only one', [{}, log({})], 1],
    ['one that is whole', [log({ bytes: 900 }), log({ complete: true })], 1],
    ['one that lacks least', [log({ holes: [hole(600), hole(500)] }), log({ holes: [hole(1000)] })], 1],
    ['an unknown hole as one KiB', [log({ holes: [hole(0)] }), log({ holes: [hole(1023)] })], 1],
    ['an unlisted hole as one KiB', [log({ holes: [hole(1025)] }), log({ unlisted_holes: 1 })], 1],
    ['the longest of those', [log({}), log({ bytes: 101 }), log({ bytes: 99 })], 1],
    [
      'what the kernel wrote down of those',
      ['kmsg', 'netconsole', 'netoops', 'pstore', 'vmcore-dmesg', 'new'].map((source) => log({ source })),
      4,
    ],
    ['what came first of those', [log({}), log({})], 0],
  ])('%s', (_name, records, best) => {
    expect(of(...records).best).toBe(best);
  });
});

describe('mismatches', () => {
  const vm = host('a', { kernel: '6.1', hardware: 'QEMU Standard PC' });
  const known = { crashed: vm, holders: ['a'] };
  const of_b = { crashed: host('b', { kernel: '6.2', hardware: 'B' }), holders: ['b'] };
  const own = { sender: '', crashed: vm };
  test.each<[string, Partial<StoredRecord>[], object[]]>([
    ['none', [{ ...known, kernel: '6.1', hardware: 'QEMU Standard PC/0X, BIOS 1.16' }], []],
    ['nothing said', [known], []],
    ['nothing known', [{ crashed: host('a'), kernel: '6.1', hardware: 'Q' }], []],
    ['nobody known', [{ kernel: '6.1', hardware: 'Q' }], []],
    ['another kernel', [{ ...known, kernel: '6.12' }], [{ what: 'kernel', said: '6.12', known: '6.1' }]],
    [
      'once each',
      [
        { ...known, kernel: '6.12' },
        { ...known, kernel: '6.12' },
        { ...known, kernel: '6.13' },
      ],
      [
        { what: 'kernel', said: '6.12', known: '6.1' },
        { what: 'kernel', said: '6.13', known: '6.1' },
      ],
    ],
    ['a kernel of before the reboot', [{ ...own, source: 'pstore', kernel: '6.12' }], []],
    ['a kernel of before the reboot', [{ ...own, source: 'vmcore-dmesg', kernel: '6.12' }], []],
    [
      'its own kernel’s log of another kernel',
      [{ ...own, source: 'kmsg', kernel: '6.12' }],
      [{ what: 'kernel', said: '6.12', known: '6.1' }],
    ],
    ['blanks', [{ ...known, hardware: 'QEMU  Standard PC /0X, BIOS' }], []],
    [
      'another machine, after a reboot too',
      [{ ...own, source: 'pstore', hardware: 'Dell R640/0X, BIOS' }],
      [{ what: 'hardware', said: 'Dell R640/0X, BIOS', known: 'QEMU Standard PC' }],
    ],
    [
      'an address of another host, with which nothing else is compared',
      [{ ...own }, { ...of_b, kernel: '6.1', hardware: 'QEMU' }],
      [{ what: 'address', said: '10.0.0.7', known: 'b.example.net' }],
    ],
    [
      'an address of several other hosts',
      [{ ...own }, { holders: ['b', 'c'] }],
      [{ what: 'address', said: '10.0.0.7', known: 'b, c' }],
    ],
    ['an address of several hosts, of which it is one', [{ ...own }, { holders: ['a', 'c'] }], []],
    ['an address of nobody', [{ ...own }, { sender: '192.0.2.1' }], []],
  ])('%s', (_name, records, mismatches) => {
    expect(of(...records).mismatches).toEqual(mismatches);
  });
});

test('a host is known by its inventory, or by its id alone', () => {
  const inventory = { kernel: '6.1', vendor: 'QEMU', product: 'Standard PC' };
  const expected = { host_id: 'a', hostname: 'a', kernel: '6.1', hardware: 'QEMU Standard PC' };
  expect(knownHost('a', 'a', inventory)).toEqual(expected);
  expect(knownHost('a', 'a', { ...inventory, vendor: '' }).hardware).toBe('Standard PC');
  expect(knownHost('a', 'a', null)).toEqual({ ...expected, kernel: '', hardware: '' });
});
