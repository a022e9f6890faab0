import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PARSER_VERSION } from '@netfall/crash';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CrashRecorder } from '../../testing/crash-recorder.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { KmsgSource } from './source.ts';
import { ScriptedKmsg } from './testing/scripted-device.ts';

const BOOT = '8d05d6df-1c25-43a4-a095-41cc4f8024ef';
const NOW_US = 1_800_000_000_000_000;
/** How long the kernel runs at the start. */
const UPTIME_S = 1000;
const WARNING = 'WARNING: CPU: 0 PID: 12 at net/core/dev.c:1 dev_x+0x1/0x2';

let root: string;
let clock: FakeClock;
let kmsg: ScriptedKmsg;
let into: CrashRecorder;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'netfall-kmsg-'));
  mkdirSync(join(root, 'proc/sys/kernel/random'), { recursive: true });
  writeFileSync(join(root, 'proc/sys/kernel/random/boot_id'), `${BOOT}\n`);
  writeFileSync(join(root, 'proc/sys/kernel/osrelease'), '6.12.9-amd64\n');
  writeFileSync(join(root, 'proc/uptime'), `${UPTIME_S}.00 1990.11\n`);
  clock = new FakeClock(NOW_US);
  kmsg = new ScriptedKmsg();
  into = new CrashRecorder();
});

afterEach(() => rmSync(root, { recursive: true }));

function start(maxRecordsPerHour = 10): KmsgSource {
  const source = new KmsgSource({
    root,
    maxRecordsPerHour,
    nowUs: () => clock.nowUs(),
    urgent: () => {},
    data: join(root, 'data'),
    open: () => kmsg.open(),
  });
  source.start();
  return source;
}

function pass(source: KmsgSource, seconds: number): void {
  for (let second = 0; second < seconds; second++) {
    clock.step(1000);
    source.collect(into);
  }
}

const recordOf = (seq: number) => `kmsg-${BOOT}-${seq}`;

describe('the source kmsg', () => {
  it('tells of the first sign at once, and of all around it when it has come to rest', () => {
    kmsg.log(1, 'Linux version 6.12.9-amd64', 5);
    const source = start();
    source.collect(into);
    expect(into.witnesses).toEqual([]);
    clock.step(500);
    kmsg.log(1000.2, 'eth0: link down', 6);
    const seq = kmsg.log(1000.5, 'BUG: kernel NULL pointer dereference, address: 0000000000000008', 1);
    kmsg.log(1000.51, 'Hardware name: QEMU Standard PC, BIOS 1.16.2 04/01/2014');
    source.collect(into);
    const witness = {
      record: recordOf(seq),
      source: 'kmsg',
      sender: '',
      first_us: NOW_US + 500_000,
      kernel: '6.12.9-amd64',
      boot_id: BOOT,
      kind: 'oops',
      line: 'BUG: kernel NULL pointer dereference, address: 0000000000000008',
      uptime_us: 1_000_500_000,
    };
    expect(into.witnesses).toEqual([witness]);
    pass(source, 3);
    kmsg.log(1003.7, '---[ end trace 0000000000000000 ]---');
    pass(source, 6);
    expect(into.crashes).toEqual([]);
    pass(source, 1);
    expect(into.crashes).toEqual([
      {
        findings: {
          witness,
          revision: 1,
          last_us: NOW_US + 4_500_000,
          last_uptime_us: 1_003_700_000,
          complete: true,
          holes: [],
          unlisted_holes: 0,
          wrap_at: 0,
          parts: 1,
          duplicates: 0,
          lost_messages: 0,
          hardware: 'QEMU Standard PC, BIOS 1.16.2 04/01/2014',
          reading: expect.objectContaining({ type: 'null-pointer-dereference', pid: null }),
          parser_version: PARSER_VERSION,
        },
        log: [
          '[    1.000000] Linux version 6.12.9-amd64',
          '[ 1000.200000] eth0: link down',
          '[ 1000.500000] BUG: kernel NULL pointer dereference, address: 0000000000000008',
          '[ 1000.510000] Hardware name: QEMU Standard PC, BIOS 1.16.2 04/01/2014',
          '[ 1003.700000] ---[ end trace 0000000000000000 ]---',
          '',
        ].join('\n'),
      },
    ]);
    pass(source, 120);
    expect([into.witnesses.length, into.crashes.length, into.losses]).toEqual([1, 1, {}]);
  });

  it('reports again when the same trouble goes on, and something else by itself', () => {
    const source = start();
    source.collect(into);
    const first = kmsg.log(1000, 'watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [sh:77]', 0);
    pass(source, 11);
    const again = 'watchdog: BUG: soft lockup - CPU#1 stuck for 45s! [sh:77]';
    kmsg.log(1023, again, 0);
    pass(source, 10);
    expect(into.crashes).toHaveLength(1);
    pass(source, 1);
    const second = kmsg.log(1053.1, WARNING);
    pass(source, 11);
    expect(into.witnesses.map(({ record, kind }) => [record, kind])).toEqual([
      [recordOf(first), 'lockup'],
      [recordOf(second), 'warning'],
    ]);
    const reports = into.crashes.map(({ findings: { witness, revision }, log }) => [
      witness?.record,
      revision,
      log.includes(again),
    ]);
    expect(reports).toEqual([
      [recordOf(first), 1, false],
      [recordOf(first), 2, true],
      [recordOf(second), 1, true],
    ]);
    expect(into.crashes[1]?.findings.witness).toEqual(into.crashes[0]?.findings.witness);
  });

  it('reports what does not come to rest once a minute, and begins another record after ten', () => {
    const source = start(1000);
    source.collect(into);
    for (let second = 0; second <= 660; second++) {
      kmsg.log(UPTIME_S + second, WARNING);
      pass(source, 1);
    }
    const reports = into.crashes.map(({ findings: { witness, revision } }) => [witness?.record, revision]);
    // At 60 s, at 120 s, …, and the last when a sign comes that belongs to another record.
    expect(reports).toEqual(Array.from({ length: 11 }, (_, i) => [recordOf(0), i + 1]));
    expect(into.witnesses.map(({ record }) => record)).toEqual([recordOf(0), recordOf(601)]);
  });

  it('tells at once of what is graver, and not of what follows from it', () => {
    const source = start();
    source.collect(into);
    const lines = [
      WARNING,
      'INFO: task sh:77 blocked for more than 120 seconds.',
      'BUG: kernel NULL pointer dereference, address: 0000000000000008',
      'Oops: 0002 [#1] SMP PTI',
      WARNING,
    ];
    for (const [i, line] of lines.entries()) kmsg.log(1000 + i, line);
    source.collect(into);
    expect(into.witnesses.map(({ record, kind, line }) => [record, kind, line])).toEqual([
      [recordOf(0), 'warning', WARNING],
      [recordOf(2), 'oops', lines[2]],
    ]);
    pass(source, 11);
    expect(
      into.crashes.map(({ findings: { witness }, log }) => [witness?.record, log.split('\n').length - 1]),
    ).toEqual([
      [recordOf(0), 2],
      // With all that led to it.
      [recordOf(2), 5],
    ]);
  });

  it('takes the telling line and not the mark before it, and nothing that a process wrote', () => {
    const source = start();
    kmsg.log(1, 'Kernel panic - not syncing: said by a process', 1 * 8 + 0);
    kmsg.log(2, 'two lines\\x0aKernel panic - not syncing: in the second');
    kmsg.log(3, '------------[ cut here ]------------');
    kmsg.log(3, 'refcount_t: underflow; use-after-free.');
    kmsg.log(3, WARNING);
    source.collect(into);
    expect(into.witnesses).toMatchObject([
      { kind: 'bug', line: 'refcount_t: underflow; use-after-free.', record: recordOf(3) },
    ]);
    source.finish();
    source.collect(into);
    expect(into.crashes[0]?.log).toBe(
      [
        '[    1.000000] Kernel panic - not syncing: said by a process',
        '[    2.000000] two lines',
        '[    2.000000] Kernel panic - not syncing: in the second',
        '[    3.000000] ------------[ cut here ]------------',
        '[    3.000000] refcount_t: underflow; use-after-free.',
        `[    3.000000] ${WARNING}`,
        '',
      ].join('\n'),
    );
  });

  it('finds what was before its start, with the time at which it happened', () => {
    kmsg.log(10, WARNING);
    kmsg.log(10.5, 'Call Trace:');
    kmsg.log(39.9, 'of the same half minute', 6);
    kmsg.log(300, 'BUG: scheduling while atomic: sh/77/0x00000002', 3);
    kmsg.log(999, 'eth0: link up', 6);
    const source = start();
    source.collect(into);
    expect(into.witnesses.map(({ first_us, line }) => [first_us, line])).toEqual([
      [NOW_US - 990_000_000, WARNING],
      [NOW_US - 700_000_000, 'BUG: scheduling while atomic: sh/77/0x00000002'],
    ]);
    expect(
      into.crashes.map(({ findings: { last_us, last_uptime_us } }) => [last_us, last_uptime_us]),
    ).toEqual([
      [NOW_US - 989_500_000, 10_500_000],
      [NOW_US - 700_000_000, 300_000_000],
    ]);
  });

  it('does not report again what a run before reported in this boot', () => {
    kmsg.log(900, WARNING);
    const first = start();
    first.collect(into);
    pass(first, 10);
    expect(into.crashes).toHaveLength(1);
    first.stop();
    expect(readFileSync(join(root, 'data/kmsg.seen'), 'utf8')).toBe(`${BOOT} 0\n`);
    const seq = kmsg.log(2000, 'BUG: Bad page state in process sh  pfn:7deea', 1);
    const second = start();
    pass(second, 11);
    expect(into.witnesses.map(({ record }) => record)).toEqual([recordOf(0), recordOf(seq)]);
    // What came before is told as such.
    expect(into.crashes[1]?.log).toBe(
      `[  900.000000] ${WARNING}\n[ 2000.000000] BUG: Bad page state in process sh  pfn:7deea\n`,
    );
    second.stop();
    writeFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'another\n');
    start().collect(into);
    expect(into.witnesses.slice(2).map(({ record }) => record)).toEqual([
      'kmsg-another-0',
      `kmsg-another-${seq}`,
    ]);
  });

  it('tells again of what was not reported to its end', () => {
    kmsg.log(1000, WARNING);
    const first = start();
    first.collect(into);
    first.stop();
    const second = start();
    second.collect(into);
    expect(into.witnesses).toEqual([into.witnesses[0], into.witnesses[0]]);
    second.finish();
    second.collect(into);
    second.stop();
    start().collect(into);
    expect([into.witnesses.length, into.crashes.length]).toEqual([2, 1]);
  });

  it('counts messages that were overwritten, and shows where', () => {
    const source = start();
    kmsg.log(1, 'before');
    kmsg.overwrite(7);
    kmsg.log(2, 'between');
    kmsg.log(3, WARNING);
    kmsg.overwrite(2);
    kmsg.overwrite(1);
    kmsg.log(3.1, 'after');
    source.collect(into);
    source.finish();
    source.collect(into);
    expect(into.losses).toEqual({ overwritten: 10 });
    const [{ findings, log } = { findings: undefined, log: '' }] = into.crashes;
    expect(findings).toMatchObject({
      complete: false,
      lost_messages: 10,
      holes: [
        { at: log.indexOf('[    2.000000] between'), bytes: 0, exact: false },
        { at: log.indexOf('[    3.100000] after'), bytes: 0, exact: false },
      ],
    });
  });

  it('counts what is no record', () => {
    const source = start();
    kmsg.garble('no record');
    kmsg.log(1, WARNING);
    source.collect(into);
    expect([into.losses, into.witnesses.length]).toEqual([{ malformed: 1 }, 1]);
  });

  it('reports so many of a kind in an hour, and counts the others', () => {
    const source = start(2);
    source.collect(into);
    for (let i = 0; i < 5; i++) {
      kmsg.log(UPTIME_S + 31 * i, WARNING);
      pass(source, 31);
    }
    kmsg.log(UPTIME_S + 200, 'BUG: kernel NULL pointer dereference, address: 0000000000000008');
    pass(source, 31);
    expect(into.witnesses.map(({ kind }) => kind)).toEqual(['warning', 'warning', 'oops']);
    expect([into.crashes.length, into.losses]).toEqual([3, { rate_limited: 3 }]);
    clock.step(3_600_000);
    kmsg.log(UPTIME_S + 4000, WARNING);
    source.collect(into);
    expect(into.witnesses).toHaveLength(4);
  });

  it('keeps the beginning of what is longer than it keeps, and says how much is missing', () => {
    const source = start();
    source.collect(into);
    kmsg.log(1000, WARNING);
    const length = `[ 1000.000000] ${'x'.repeat(1000)}\n`.length;
    for (let i = 0; i < 600; i++) kmsg.log(1000, 'x'.repeat(1000), 6);
    for (let i = 0; i < 3; i++) source.collect(into);
    source.finish();
    source.collect(into);
    const [{ findings, log } = { findings: undefined, log: '' }] = into.crashes;
    const kept = Math.floor((512 * 1024 - `[ 1000.000000] ${WARNING}\n`.length) / length);
    expect(log).toHaveLength(`[ 1000.000000] ${WARNING}\n`.length + kept * length);
    expect(findings).toMatchObject({
      complete: false,
      holes: [{ at: log.length, bytes: (600 - kept) * length, exact: true }],
    });
  });

  it('keeps 64 KiB of what came before, from a whole line on', () => {
    const source = start();
    for (let i = 0; i < 200; i++) kmsg.log(i, `${i} ${'x'.repeat(1000)}`, 6);
    kmsg.log(1000, WARNING);
    source.collect(into);
    source.finish();
    source.collect(into);
    const log = into.crashes[0]?.log ?? '';
    const before = log.slice(0, log.indexOf('[ 1000'));
    expect(before.length).toBeLessThanOrEqual(64 * 1024);
    expect(before.length).toBeGreaterThan(64 * 1024 - 1100);
    expect(before).toMatch(/^\[ {2}1\d\d\.000000\] 1\d\d x/);
    expect(before.trimEnd().split('\n').at(-1)).toBe(`[  199.000000] 199 ${'x'.repeat(1000)}`);
  });

  it('keeps what there is no room for', () => {
    const source = start();
    kmsg.log(1, WARNING);
    into.room = 0;
    source.collect(into);
    pass(source, 20);
    expect([into.witnesses, into.crashes]).toEqual([[], []]);
    into.room = 1;
    pass(source, 1);
    expect([into.witnesses.length, into.crashes.length]).toEqual([1, 0]);
    into.room = 1;
    pass(source, 1);
    expect([into.witnesses.length, into.crashes.length]).toEqual([1, 1]);
    pass(source, 60);
    expect([into.witnesses.length, into.crashes.length]).toEqual([1, 1]);
  });

  it('says that it cannot keep what it reported', () => {
    const source = start();
    writeFileSync(join(root, 'data'), 'in the way');
    kmsg.log(1, WARNING);
    source.collect(into);
    pass(source, 11);
    expect(source.remark()).toMatch(/^what was reported cannot be kept for the next start \(/);
    expect(into.crashes).toHaveLength(1);
  });

  it('says what to do where there is no such device', () => {
    const source = new KmsgSource({
      root,
      maxRecordsPerHour: 1,
      nowUs: () => 0,
      urgent: () => {},
      data: undefined,
    });
    expect(source.probe()).toEqual({
      state: 'unavailable',
      detail: "does not hear of this kernel's own crashes",
      missing: `there is no ${root}/dev/kmsg`,
      mend: "docker run --device=/dev/kmsg, or a hostPath /dev/kmsg in the pod's spec",
    });
    source.stop();
  });

  it('lets go of the device, also twice', () => {
    const source = start();
    source.stop();
    source.stop();
    expect(kmsg.closed).toBe(1);
  });
});
