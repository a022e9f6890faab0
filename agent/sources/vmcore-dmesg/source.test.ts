import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PARSER_VERSION } from '@netfall/crash';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CrashRecorder } from '../../testing/crash-recorder.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { VmcoreDmesgSource } from './source.ts';

const NOW_S = 1_800_000_000;
const LOG = `[    0.000000] Linux version 5.14.0-427.el9.x86_64 (mockbuild@host) (gcc (GCC) 11.4.1)
[  812.100000] sysrq: Trigger a crash
[  812.100010] Kernel panic - not syncing: sysrq triggered crash
[  812.100020] CPU: 3 PID: 77 Comm: bash Kdump: loaded Not tainted 5.14.0-427.el9.x86_64 #1
[  812.100030] Hardware name: Red Hat KVM, BIOS 1.16.1-1.el9 04/01/2014
`;

let root: string;
let clock: FakeClock;
let into: CrashRecorder;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'netfall-vmcore-'));
  mkdirSync(join(root, 'var/crash'), { recursive: true });
  clock = new FakeClock(NOW_S * 1_000_000);
  into = new CrashRecorder();
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string, mtimeS = NOW_S - 3600): void {
  const file = join(root, 'var/crash', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  utimesSync(file, mtimeS, mtimeS);
}

function open(folder = '/var/crash'): VmcoreDmesgSource {
  return new VmcoreDmesgSource({ root, folder, nowUs: () => clock.nowUs(), data: join(root, 'data') });
}

function start(): VmcoreDmesgSource {
  const source = open();
  source.start();
  return source;
}

const lines = () => into.crashes.map(({ findings: { witness } }) => witness?.line);

describe('the source vmcore-dmesg', () => {
  it('reports the log that kdump saved', () => {
    write('127.0.0.1-2027-01-15-07:00:00/vmcore-dmesg.txt', LOG);
    start().collect(into);
    expect(into.crashes).toEqual([
      {
        findings: {
          witness: {
            record: 'vmcore-dmesg-0217a98efa2ab8e2',
            source: 'vmcore-dmesg',
            sender: '',
            first_us: (NOW_S - 3600) * 1_000_000,
            kernel: '5.14.0-427.el9.x86_64',
            boot_id: '',
            kind: 'panic',
            line: 'Kernel panic - not syncing: sysrq triggered crash',
            uptime_us: 812_100_010,
          },
          revision: 1,
          last_us: (NOW_S - 3600) * 1_000_000,
          last_uptime_us: 812_100_030,
          complete: true,
          holes: [],
          unlisted_holes: 0,
          wrap_at: 0,
          parts: 1,
          duplicates: 0,
          lost_messages: 0,
          hardware: 'Red Hat KVM, BIOS 1.16.1-1.el9 04/01/2014',
          reading: expect.objectContaining({ type: 'panic', process: 'bash', pid: 77, cpu: 3 }),
          parser_version: PARSER_VERSION,
        },
        log: LOG,
      },
    ]);
  });

  it('knows where distributions save it, and begins with the newest', () => {
    const log = (name: string) => `[    1.000000] Kernel panic - not syncing: ${name}\n`;
    write('127.0.0.1-2027-01-15-05:00:00/vmcore-dmesg.txt', log('RHEL'), NOW_S - 300);
    write('202701150600/dmesg.202701150600', log('Debian'), NOW_S - 100);
    write('2027-01-15-07:00/dmesg.txt', log('SUSE'), NOW_S - 200);
    for (const other of ['vmcore-dmesg-incomplete.txt', 'kexec-dmesg.log', 'vmcore', 'dmesg.old']) {
      write(`127.0.0.1-2027-01-15-08:00:00/${other}`, log('other'));
    }
    const source = start();
    for (let i = 0; i < 4; i++) source.collect(into);
    expect(lines()).toEqual(['Debian', 'SUSE', 'RHEL'].map((name) => `Kernel panic - not syncing: ${name}`));
  });

  it('waits until a file is written to no more, and looks once a minute', () => {
    write('a/vmcore-dmesg.txt', LOG, NOW_S - 9);
    const source = start();
    source.collect(into);
    expect(into.crashes).toEqual([]);
    clock.step(59_000);
    source.collect(into);
    expect(into.crashes).toEqual([]);
    clock.step(1000);
    source.collect(into);
    expect(into.crashes).toHaveLength(1);
  });

  it('tells of it once, also after a restart', () => {
    write('a/vmcore-dmesg.txt', LOG);
    const first = start();
    first.collect(into);
    clock.step(60_000);
    first.collect(into);
    first.stop();
    expect(readFileSync(join(root, 'data/vmcore-dmesg.seen'), 'utf8')).toBe(
      `${into.crashes[0]?.findings.witness?.record}\n`,
    );
    start().collect(into);
    expect(into.crashes).toHaveLength(1);
  });

  it('keeps what there is no room for', () => {
    write('a/vmcore-dmesg.txt', LOG);
    const source = start();
    into.room = 0;
    source.collect(into);
    into.room = 1;
    source.collect(into);
    source.collect(into);
    expect(into.crashes).toHaveLength(1);
  });

  it('reports the last mebibyte of what is longer', () => {
    const line = `[    1.000000] ${'x'.repeat(984)}\n`;
    write('a/vmcore-dmesg.txt', line.repeat(2000) + LOG);
    start().collect(into);
    const [{ findings, log } = { findings: undefined, log: '' }] = into.crashes;
    const kept = Math.floor((1024 * 1024 - LOG.length) / 1000);
    expect(log).toBe(line.repeat(kept) + LOG);
    expect(findings).toMatchObject({
      complete: false,
      holes: [{ at: 0, bytes: (2000 - kept) * 1000, exact: true }],
    });
  });

  it('says a panic where the log does not tell what it was', () => {
    write('a/vmcore-dmesg.txt', '[    1.000000] eth0: link up\n');
    start().collect(into);
    expect(into.crashes[0]?.findings.witness).toMatchObject({ kind: 'panic', line: '', uptime_us: 0 });
  });

  it('counts files that are too many', () => {
    for (let i = 0; i < 1026; i++) write(`${i}/dmesg.txt`, '', NOW_S);
    const source = start();
    source.collect(into);
    clock.step(60_000);
    source.collect(into);
    expect(into.losses).toEqual({ files_full: 2 });
  });
});

describe('what it needs', () => {
  it('is a folder', () => {
    expect(open('/none').probe()).toEqual({
      state: 'off',
      detail: `kdump saves nothing here: there is no ${root}/none`,
    });
    expect(open().probe()).toEqual({
      state: 'ok',
      detail: `reads the logs that kdump saved in ${root}/var/crash; no kdump kernel is loaded now`,
    });
    mkdirSync(join(root, 'sys/kernel'), { recursive: true });
    writeFileSync(join(root, 'sys/kernel/kexec_crash_loaded'), '1\n');
    expect(open().probe()).toEqual({
      state: 'ok',
      detail: `reads the logs that kdump saved in ${root}/var/crash`,
    });
    writeFileSync(join(root, 'file'), '');
    expect(open('/file').probe()).toMatchObject({
      state: 'unavailable',
      detail: 'reads no logs that kdump saved',
    });
  });
});
