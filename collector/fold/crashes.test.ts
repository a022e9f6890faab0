import type { CrashReport, CrashWitness, Inventory, Item } from '@netfall/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { INITIAL_CONFIG } from './config.ts';
import { shownCrash } from './crash.ts';
import { Fold } from './fold.ts';
import { order } from './incident.ts';
import type { Crash } from './model.ts';
import { anInventory, aReport, aWitness } from './testing/crash-items.ts';
import { fold } from './testing/folded.ts';
import { type Report, START_US, Story, testRules } from './testing/story.ts';

const S = 1_000_000;
const at = (second: number) => START_US + second * S;

/** A story in which relay and web-1 live; web-1 has 10.0.0.7 and runs 6.1.0-18-amd64. */
class Fleet extends Story {
  constructor() {
    super();
    this.host('relay', { addresses: ['10.0.0.1'] });
    this.host('web-1', {
      hostname: 'web-1.example.net',
      addresses: ['10.0.0.7'],
      kernel: '6.1.0-18-amd64',
      vendor: 'QEMU',
      product: 'Standard PC',
    });
  }

  host(id: string, inventory: Partial<Inventory>, second = 0): void {
    this.report(second, id, { items: [{ inventory: anInventory(inventory) }] });
  }

  hears(second: number, host: string, witness: Partial<CrashWitness> = {}, how: Report = {}): void {
    this.report(second, host, { ...how, items: [{ crash_witness: aWitness(witness) }] });
  }

  reports(
    second: number,
    host: string,
    witness: Partial<CrashWitness> = {},
    report: Partial<CrashReport> = {},
  ): void {
    this.report(second, host, { items: [{ crash_report: aReport(witness, report) }] });
  }
}

/** What the crashed host's own agent finds after the reboot. */
const found = (part: Partial<CrashWitness> = {}): Partial<CrashWitness> => {
  return { record: 'p1', source: 'pstore', sender: '', first_us: at(11), ...part };
};
const unseen = { kind: '', line: '', uptime_us: 0 };

const crashesOf = (story: Story): Crash[] => Array.from(fold(story).rows().crashes, shownCrash).sort(order);
/** Crashes by id, each with the agents and names of its records. */
const partition = (story: Story) =>
  Object.fromEntries(
    crashesOf(story).map(({ id, records }) => [id, records.map((one) => `${one.host_id} ${one.record}`)]),
  );

describe('a crash', () => {
  test('is there with its first sign, and of the host that has the sender’s address', () => {
    const story = new Fleet();
    story.hears(10.2, 'relay');
    expect(crashesOf(story)).toEqual([
      {
        ...{ id: 'c3-0', version: 1, host_id: 'web-1', hostname: 'web-1.example.net' },
        ...{ at_us: at(10), detected_us: at(10.2), state: 'witnessed', complete: false },
        kind: 'panic',
        read: null,
        line: 'Kernel panic - not syncing: sysrq triggered crash',
        ...{ uptime_us: 100 * S, kernel: '6.1.0-18-amd64', boot_id: '', hardware: '' },
        records: [
          {
            ...{
              host_id: 'relay',
              hostname: 'relay',
              record: 'r1',
              source: 'netconsole',
              sender: '10.0.0.7',
            },
            ...{ known_us: at(10.2), reported_us: 0, first_us: at(10), last_us: at(10) },
            ...{ kernel: '6.1.0-18-amd64', boot_id: '', hardware: '', kind: 'panic' },
            line: 'Kernel panic - not syncing: sysrq triggered crash',
            ...{ uptime_us: 100 * S, last_uptime_us: 0, revision: 0, digest: '', bytes: 0, complete: false },
            ...{ holes: [], unlisted_holes: 0, wrap_at: 0, parts: 0, duplicates: 0, lost_messages: 0 },
            ...{ parser_version: 0, reading: null },
          },
        ],
        ...{ unlisted_records: 0, best: null, reading: null, parser_version: 0, mismatches: [], merged: [] },
      },
    ]);
  });

  test('is filled in by its report, and by a later one, and by no earlier one', () => {
    const story = new Fleet();
    story.hears(10.2, 'relay', unseen);
    story.reports(30, 'relay', {}, { revision: 2, bytes: 2 });
    story.reports(31, 'relay', {}, { revision: 1, bytes: 1 });
    expect(crashesOf(story)).toMatchObject([
      { id: 'c3-0', version: 2, state: 'reported', kind: 'panic', best: 0, complete: true },
    ]);
    expect(crashesOf(story)[0]?.records).toMatchObject([{ revision: 2, bytes: 2, reported_us: at(30) }]);
    story.reports(40, 'relay', {}, { revision: 3, bytes: 3 });
    expect(crashesOf(story)[0]?.records).toMatchObject([{ revision: 3, bytes: 3, reported_us: at(40) }]);
  });

  test('has a report that came without its witness, or before it', () => {
    const story = new Fleet();
    story.reports(30, 'relay');
    story.hears(31, 'relay');
    expect(crashesOf(story)).toMatchObject([{ id: 'c3-0', version: 1, state: 'reported', at_us: at(10) }]);
  });

  test('of a host without an agent has its sender', () => {
    const story = new Fleet();
    story.hears(10, 'relay', { sender: '192.0.2.1' });
    expect(crashesOf(story)).toMatchObject([
      { host_id: '', hostname: '', records: [{ sender: '192.0.2.1' }], mismatches: [] },
    ]);
  });

  test('of the agent’s own host is that host’s', () => {
    const story = new Fleet();
    story.hears(10, 'web-1', { sender: '', source: 'kmsg', kind: 'warning' });
    expect(crashesOf(story)).toMatchObject([{ host_id: 'web-1', hostname: 'web-1.example.net' }]);
  });

  test('comes in the right order of time whatever the agent’s clock says', () => {
    const story = new Fleet();
    story.report(1, 'late', { clockS: -3600 });
    story.hears(10, 'late', { first_us: at(9 - 3600) }, { clockS: -3600 });
    expect(crashesOf(story)).toMatchObject([{ at_us: at(9), detected_us: at(10) }]);
  });

  test('counts for history in a message that is late, or that a later one has overtaken', () => {
    const story = new Fleet();
    story.report(2000, 'relay', { seq: 5 });
    story.hears(2001, 'relay', {}, { seq: 3, clockS: -1990 });
    story.hears(2001, 'relay', { record: 'r2', uptime_us: 5, line: 'x' }, { seq: 4, clockS: -1990 });
    expect(crashesOf(story).map(({ id, at_us }) => [id, at_us])).toEqual([
      // The clock may be drifting away: each late message is taken for a sign of that, to a millisecond.
      ['c4-0', at(10.001)],
      ['c5-0', at(10.002)],
    ]);
  });

  test('comes once, however often its message does', () => {
    const story = new Fleet();
    story.hears(10, 'relay', {}, { seq: 2 });
    story.hears(10.1, 'relay', {}, { seq: 2 });
    expect(crashesOf(story)).toMatchObject([{ id: 'c3-0', version: 1 }]);
  });

  test('several of one message have ids of their own', () => {
    const story = new Fleet();
    const items: Item[] = [1, 2, 3].map((n) => {
      return { crash_witness: aWitness({ record: `r${n}`, sender: `192.0.2.${n}`, uptime_us: n * S }) };
    });
    story.report(10, 'relay', { items });
    expect(Object.keys(partition(story))).toEqual(['c3-0', 'c3-1', 'c3-2']);
  });

  test('opens no incident and tells nobody', () => {
    const story = new Fleet();
    story.epoch(1, { sinks: ['chat'] });
    story.reports(10, 'relay');
    story.reports(20, 'relay', {}, { revision: 2 });
    const { incidents, notifications } = fold(story).rows();
    expect([...incidents]).toMatchObject([
      {
        id: 'i4-0',
        fingerprint: 'crash/unread/c4-0',
        state: 'firing',
        severity: 'critical',
        title: 'web-1.example.net crashed: Kernel panic - not syncing: sysrq triggered crash',
        hosts: [{ host_id: 'web-1', crashes: 1 }],
        crashes: [{ id: 'c4-0', host_id: 'web-1', provisional: true }],
        audit: [{ event: 'fired', detail: 'by web-1.example.net' }],
      },
    ]);
    expect(Array.from(notifications, ({ id }) => id)).toEqual(['i4-0/firing']);
  });
});

describe('the host of an address', () => {
  const whose = (story: Story) => crashesOf(story).map(({ host_id, mismatches }) => [host_id, mismatches]);

  test('of several is the one whose kernel crashed', () => {
    const story = new Fleet();
    story.host('web-2', { addresses: ['10.0.0.7'], kernel: '6.12' });
    story.host('web-3', { addresses: ['10.0.0.7'], kernel: '6.13' });
    story.hears(10, 'relay', { kernel: '6.12' });
    expect(whose(story)).toEqual([['web-2', []]]);
  });

  test.each([
    ['none of them has that kernel', '6.14'],
    ['two of them have it', '6.12'],
    ['it is not known', ''],
  ])('of several is unknown where %s', (_name, kernel) => {
    const story = new Fleet();
    story.host('web-2', { addresses: ['10.0.0.7'], kernel: '6.12' });
    story.host('web-3', { addresses: ['10.0.0.7'], kernel: '6.12' });
    story.hears(10, 'relay', { kernel });
    expect(whose(story)).toEqual([['', []]]);
  });

  test('is found by the report when the witness did not know enough', () => {
    const story = new Fleet();
    story.host('web-2', { addresses: ['10.0.0.7'], kernel: '6.12' });
    story.hears(10, 'relay', { kernel: '' });
    expect(whose(story)).toEqual([['', []]]);
    story.reports(20, 'relay', { kernel: '6.12' });
    expect(whose(story)).toEqual([['web-2', []]]);
  });

  test('is the one that had it then, with the kernel that it had', () => {
    const story = new Fleet();
    story.hears(10, 'relay', { kernel: '' });
    story.host('web-1', { addresses: ['10.0.0.9'], kernel: '6.12' }, 15);
    story.host('web-2', { addresses: ['10.0.0.7'], kernel: '6.13' }, 15);
    story.reports(20, 'relay', { kernel: '6.1.0-18-amd64' });
    expect(whose(story)).toEqual([['web-1', []]]);
  });

  test('is told by an inventory of the same message', () => {
    const story = new Fleet();
    const inventory = anInventory({ addresses: ['10.0.0.1', '192.0.2.1'] });
    story.report(10, 'relay', {
      items: [{ crash_witness: aWitness({ sender: '192.0.2.1' }) }, { inventory }],
    });
    expect(crashesOf(story)).toMatchObject([{ host_id: 'relay' }]);
  });

  test('is nobody’s once its host is forgotten', () => {
    const story = new Fleet();
    story.epoch(0, { limits: { ...INITIAL_CONFIG.limits, forget_host_s: 60 } });
    for (let s = 1; s <= 90; s++) story.report(s, 'relay');
    story.hears(91, 'relay');
    expect(whose(story)).toEqual([['', []]]);
  });

  test('that contradicts what the log says is shown beside it', () => {
    const story = new Fleet();
    story.hears(10, 'relay', { kernel: '6.99' });
    story.reports(11, 'relay', { kernel: '6.99' }, { hardware: 'Dell Inc. R640/0X, BIOS 2.1' });
    story.host('web-2', { addresses: ['10.0.0.8'] }, 12);
    story.hears(13, 'relay', { record: 'r2', sender: '10.0.0.8' });
    expect(whose(story)).toEqual([
      [
        'web-1',
        [
          { what: 'kernel', said: '6.99', known: '6.1.0-18-amd64' },
          { what: 'hardware', said: 'Dell Inc. R640/0X, BIOS 2.1', known: 'QEMU Standard PC' },
          { what: 'address', said: '10.0.0.8', known: 'web-2' },
        ],
      ],
    ]);
  });
});

describe('several records', () => {
  test('of netconsole, netoops and pstore after the reboot into another kernel are one crash', () => {
    const story = new Fleet();
    story.hears(10, 'relay', { ...unseen, kernel: '', source: 'netconsole' });
    story.hears(10.1, 'relay', { record: 'r2', source: 'netoops' });
    story.reports(30, 'relay', { source: 'netconsole' }, { bytes: 100, complete: false });
    story.reports(31, 'relay', { record: 'r2', source: 'netoops' }, { bytes: 5000, digest: 'b'.repeat(64) });
    story.host(
      'web-1',
      { addresses: ['10.0.0.7'], kernel: '6.12', vendor: 'QEMU', product: 'Standard PC' },
      70,
    );
    story.reports(75, 'web-1', found(), {
      bytes: 9000,
      digest: 'c'.repeat(64),
      hardware: 'QEMU Standard PC',
    });
    expect(partition(story)).toEqual({ 'c3-0': ['relay r1', 'relay r2', 'web-1 p1'] });
    expect(crashesOf(story)).toMatchObject([
      { version: 5, host_id: 'web-1', kernel: '6.1.0-18-amd64', best: 2, mismatches: [], merged: [] },
    ]);
  });

  test('of several relays are one crash, though no address tells whose', () => {
    const story = new Fleet();
    story.host('relay-2', {});
    story.hears(10, 'relay', { sender: '192.0.2.1' });
    story.hears(10.1, 'relay-2', { sender: '198.51.100.1' });
    expect(partition(story)).toEqual({ 'c4-0': ['relay r1', 'relay-2 r1'] });
  });

  test('are merged into the older crash once it turns out that they are one', () => {
    const story = new Fleet();
    story.host('relay-2', {});
    story.hears(10, 'relay', { sender: '192.0.2.1', ...unseen });
    story.hears(10.1, 'relay-2', { sender: '198.51.100.1', ...unseen });
    expect(Object.keys(partition(story))).toEqual(['c4-0', 'c5-0']);
    story.reports(20, 'relay-2', { sender: '198.51.100.1' });
    expect(Object.keys(partition(story))).toEqual(['c4-0', 'c5-0']);
    story.reports(21, 'relay', { sender: '192.0.2.1' });
    expect(partition(story)).toEqual({ 'c4-0': ['relay r1', 'relay-2 r1'] });
    expect(crashesOf(story)).toMatchObject([{ version: 3, merged: ['c5-0'] }]);
  });

  test('that bridge two crashes merge them', () => {
    const story = new Fleet();
    story.host('relay-2', {});
    story.hears(10, 'relay', { sender: '192.0.2.1', boot_id: '7' });
    story.hears(10.1, 'relay-2', {
      sender: '10.0.0.7',
      uptime_us: 101 * S,
      line: 'Rebooting in 5 seconds..',
    });
    expect(Object.keys(partition(story))).toEqual(['c4-0', 'c5-0']);
    // The same line as the first, and the same host as the second.
    story.reports(60, 'web-1', found());
    expect(partition(story)).toEqual({ 'c4-0': ['relay r1', 'relay-2 r1', 'web-1 p1'] });
    expect(crashesOf(story)).toMatchObject([{ host_id: 'web-1', merged: ['c5-0'] }]);
  });

  test('are split again when it turns out that they are not one', () => {
    const story = new Fleet();
    story.hears(10, 'relay');
    // Two minutes after it, with nothing that tells them apart.
    story.hears(100, 'relay', { record: 'r2', ...unseen, first_us: at(100) });
    expect(partition(story)).toEqual({ 'c3-0': ['relay r1', 'relay r2'] });
    const again = { first_us: at(100), uptime_us: 40 * S, line: 'Oops: 0002 [#1] SMP' };
    story.reports(130, 'relay', { record: 'r2', ...again });
    expect(partition(story)).toEqual({ 'c3-0': ['relay r1'], 'c5-0': ['relay r2'] });
    expect(crashesOf(story)).toMatchObject([
      { version: 3, line: aWitness().line },
      { version: 1, at_us: at(100), detected_us: at(100), line: 'Oops: 0002 [#1] SMP' },
    ]);
    // Each finds its own.
    story.reports(150, 'web-1', found({ first_us: at(11) }));
    story.reports(151, 'web-1', found({ record: 'p2', ...again, first_us: at(101) }));
    expect(partition(story)).toEqual({
      'c3-0': ['relay r1', 'web-1 p1'],
      'c5-0': ['relay r2', 'web-1 p2'],
    });
  });

  test('of a host that crashes again and again are as many crashes', () => {
    const story = new Fleet();
    const seconds = [10, 100, 190, 280];
    for (const [i, second] of seconds.entries()) {
      const panic = { first_us: at(second), uptime_us: 40 * S + i, line: `Kernel panic ${i}` };
      story.hears(second, 'relay', { record: `r${i}`, ...panic });
      story.reports(second + 30, 'relay', { record: `r${i}`, ...panic });
      story.reports(second + 60, 'web-1', found({ record: `p${i}`, ...panic, first_us: at(second + 1) }));
    }
    expect(Object.values(partition(story))).toEqual(seconds.map((_, i) => [`relay r${i}`, `web-1 p${i}`]));
  });
});

describe('limits', () => {
  const limited = (records_per_host: number, history = 10) => {
    const story = new Fleet();
    story.epoch(1, { crashes: { history, records_per_host } });
    return story;
  };
  /** A crash of nobody, of its own. */
  const stranger = (n: number) => ({ record: `s${n}`, sender: `192.0.2.${n}`, uptime_us: n * 1000 * S });

  test('crashes beyond the history are forgotten, the oldest first', () => {
    const story = limited(1000, 3);
    for (let n = 1; n <= 5; n++) story.hears(n + 10, 'relay', stranger(n));
    expect(Object.keys(partition(story))).toEqual(['c6-0', 'c7-0', 'c8-0']);
    const changed = new Fold(testRules);
    for (const entry of story.entries.slice(0, 7)) changed.apply(entry);
    changed.takeChanges();
    changed.apply(story.entries[7]!);
    const { crashes, removedCrashes } = changed.takeChanges();
    expect([Array.from(crashes, ({ id }) => id), removedCrashes]).toEqual([['c8-0'], ['c5-0']]);
  });

  test('an agent’s records beyond so many are forgotten, the oldest first, and no others', () => {
    const story = limited(2);
    story.host('relay-2', {});
    story.hears(10, 'relay', stranger(1));
    story.hears(11, 'relay-2', stranger(1));
    story.hears(12, 'relay', stranger(2));
    story.hears(13, 'relay', stranger(3));
    expect(Object.values(partition(story))).toEqual([['relay-2 s1'], ['relay s2'], ['relay s3']]);
    story.hears(14, 'relay', stranger(4));
    expect(Object.values(partition(story))).toEqual([['relay-2 s1'], ['relay s3'], ['relay s4']]);
  });

  test('one crash with more records of an agent than it may have', () => {
    const story = limited(3);
    const items = [1, 2, 3, 4, 5].map((n) => ({ crash_witness: aWitness({ record: `r${n}` }) }));
    story.report(10, 'relay', { items });
    expect(Object.values(partition(story))).toEqual([['relay r3', 'relay r4', 'relay r5']]);
  });

  test('a further record of a full crash is counted', () => {
    const story = limited(1000);
    for (let n = 1; n <= 18; n++) story.hears(10 + n / 10, 'relay', { record: `r${n}` });
    const [crash, ...others] = crashesOf(story);
    expect(others).toEqual([]);
    expect(crash).toMatchObject({ unlisted_records: 2, version: 18 });
    expect(crash?.records.map(({ record }) => record)).toEqual(
      Array.from({ length: 16 }, (_, i) => `r${i + 1}`),
    );
    expect(fold(story).rows().global.rejected).toEqual({ too_many_crash_records: 2 });
    // Unless it is not certain that it is one.
    story.hears(13, 'relay', { record: 'r19', line: 'Oops: 0002', uptime_us: 101 * S, first_us: at(11) });
    expect(Object.values(partition(story)).map(({ length }) => length)).toEqual([16, 1]);
  });
});

describe('any order', () => {
  /** Crashes of three hosts, far enough apart, each heard and found in several ways. */
  const truth = fc
    .array(
      fc.record({
        host: fc.constantFrom('a', 'b', 'c'),
        known: fc.uniqueArray(fc.nat(3), { minLength: 1 }),
        lineAt: fc.nat(3),
      }),
      { minLength: 1, maxLength: 5 },
    )
    .map((crashes) =>
      crashes.map(({ host, known, lineAt }, n) => {
        const first_us = at(1000 * (n + 1));
        const began = { kind: 'panic', line: `panic ${n}`, uptime_us: (n + 1) * S };
        return known.map((kind) => {
          const own = kind === 3;
          const seen = lineAt === kind ? unseen : began;
          const sender = own ? '' : `10.0.0.${host}`;
          const source = ['netconsole', 'netoops', 'netconsole', 'pstore'][kind]!;
          const witness = aWitness({ record: `${n}-${kind}`, source, sender, first_us, kernel: '', ...seen });
          const last = { last_us: first_us + S, last_uptime_us: 0, revision: 2 };
          return {
            name: `${own ? host : `relay-${kind}`} ${n}-${kind}`,
            agent: own ? host : `relay-${kind}`,
            items: [
              { crash_witness: witness },
              { crash_report: aReport({ ...witness, ...seen }, { ...last, revision: 1 }) },
              { crash_report: aReport({ ...witness, ...began }, last) },
            ],
          };
        });
      }),
    );

  test('of witnesses and reports, repeated at will, tells the same crashes', () => {
    const seeds = fc.infiniteStream(fc.nat());
    fc.assert(
      fc.property(truth, seeds, (crashes, chance) => {
        const draw = (below: number) => Number(chance.next().value) % below;
        const messages = crashes.flat().flatMap(({ agent, items }) => items.map((item) => ({ agent, item })));
        const sent = [...messages, ...messages.filter(() => draw(3) === 0)]
          .map((message) => ({ message, at: draw(1_000_000) }))
          .sort((a, b) => a.at - b.at);
        const story = new Story();
        for (const host of ['a', 'b', 'c'])
          story.report(0, host, { items: [{ inventory: anInventory({ addresses: [`10.0.0.${host}`] }) }] });
        for (const agent of ['relay-0', 'relay-1', 'relay-2']) story.report(0, agent);
        // In one message each, so that none is so late that its time is not known.
        let second = 10_000;
        for (const { message } of sent) story.report(second++, message.agent, { items: [message.item] });
        const names = (lists: string[][]) => lists.map((list) => list.toSorted()).sort();
        expect(names(Object.values(partition(story)))).toEqual(
          names(crashes.map((records) => records.map(({ name }) => name))),
        );
        for (const crash of crashesOf(story)) {
          const n = Number(crash.records[0]?.record.split('-')[0]);
          expect(crash).toMatchObject({ line: `panic ${n}`, at_us: at(1000 * (n + 1)), state: 'reported' });
        }
      }),
      { numRuns: 150 },
    );
  });
});
