import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PARSER_VERSION } from '@netfall/crash';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CrashRecorder } from '../../testing/crash-recorder.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { PstoreSource } from './source.ts';

const CRASHED_S = 1_795_000_000;
const MOUNT = 'sys/fs/pstore';
const ARCHIVE = 'var/lib/systemd/pstore';

/** A panic's log in parts as efi_pstore has them, part 1 first. */
const PARTS = [
  `<1>[ 2072.550001] BUG: kernel NULL pointer dereference, address: 0000000000000040
<4>[ 2072.550011] CPU: 1 UID: 0 PID: 77 Comm: sh Tainted: G           OE      6.12.9-amd64 #1
<4>[ 2072.550013] Hardware name: Dell Inc. PowerEdge R750/0PJ80M, BIOS 1.9.2 11/17/2023
<0>[ 2072.561000] Kernel panic - not syncing: Fatal exception
`,
  '<6>[ 2071.001234] mlx5_core 0000:5e:00.0 eth0: Link up\n',
  '<5>[    0.000000] Linux version 6.12.9-amd64 (debian-kernel@lists.debian.org)\n',
];

let root: string;
let clock: FakeClock;
let into: CrashRecorder;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'netfall-pstore-'));
  mkdirSync(join(root, MOUNT), { recursive: true });
  clock = new FakeClock();
  into = new CrashRecorder();
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string, mtimeS = CRASHED_S): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  utimesSync(file, mtimeS, mtimeS);
}

const nameOf = (part: number, count = 1, atS = CRASHED_S) =>
  `dmesg-efi_pstore-${atS}${String(part).padStart(2, '0')}${String(count).padStart(3, '0')}`;

function writePanic(...parts: number[]): void {
  for (const part of parts) write(join(MOUNT, nameOf(part)), `Panic#1 Part${part}\n${PARTS[part - 1]}`);
}

function open(): PstoreSource {
  return new PstoreSource({ root, nowUs: () => clock.nowUs(), data: join(root, 'data') });
}

function start(): PstoreSource {
  const source = open();
  source.start();
  return source;
}

/** What was reported, in short. */
function told() {
  return into.crashes.map(({ findings: { witness, complete }, log }) => [
    witness?.kind,
    witness?.line,
    complete,
    log,
  ]);
}

describe('the source pstore', () => {
  it('puts the parts of a panic together', () => {
    writePanic(2, 1, 3);
    write(join(MOUNT, 'pmsg-ramoops-0'), 'what processes said');
    const source = start();
    source.collect(into);
    expect(into.crashes).toEqual([
      {
        findings: {
          witness: {
            record: 'pstore-2cd5ebb461ab48ef',
            source: 'pstore',
            sender: '',
            first_us: CRASHED_S * 1_000_000,
            kernel: '6.12.9-amd64',
            boot_id: '',
            kind: 'oops',
            line: 'BUG: kernel NULL pointer dereference, address: 0000000000000040',
            uptime_us: 2_072_550_001,
          },
          revision: 1,
          last_us: CRASHED_S * 1_000_000,
          last_uptime_us: 2_072_561_000,
          complete: true,
          holes: [],
          unlisted_holes: 0,
          wrap_at: 0,
          parts: 3,
          duplicates: 0,
          lost_messages: 0,
          hardware: 'Dell Inc. PowerEdge R750/0PJ80M, BIOS 1.9.2 11/17/2023',
          reading: expect.objectContaining({
            type: 'null-pointer-dereference',
            taint: 'GOE',
            pid: 77,
            cpu: 1,
          }),
          parser_version: PARSER_VERSION,
        },
        log: PARTS.toReversed().join(''),
      },
    ]);
    expect([into.witnesses, into.losses]).toEqual([[], {}]);
  });

  it('shows what is missing, and what cannot be decompressed', () => {
    writePanic(3);
    write(join(MOUNT, `${nameOf(2)}.enc.z`), 'x\x9c');
    start().collect(into);
    expect(into.crashes[0]?.findings).toMatchObject({
      witness: { kind: 'panic', line: '', uptime_us: 0, kernel: '6.12.9-amd64' },
      complete: false,
      holes: [{ at: PARTS[2]?.length, bytes: 0, exact: false }],
      parts: 2,
    });
  });

  it('tells of it once: not after a restart, nor when systemd has moved it', () => {
    writePanic(1, 2, 3);
    const first = start();
    first.collect(into);
    expect(into.crashes).toHaveLength(1);
    clock.step(60_000);
    first.collect(into);
    first.stop();
    expect(readFileSync(join(root, 'data/pstore.seen'), 'utf8')).toBe('pstore-2cd5ebb461ab48ef\n');
    const moved = join(root, ARCHIVE, String(CRASHED_S), '001');
    mkdirSync(moved, { recursive: true });
    for (const part of [3, 2, 1]) {
      renameSync(join(root, MOUNT, nameOf(part)), join(moved, nameOf(part)));
      utimesSync(join(moved, nameOf(part)), CRASHED_S + 90, CRASHED_S + 90);
    }
    writeFileSync(join(moved, 'dmesg.txt'), PARTS.toReversed().join(''));
    first.start();
    first.collect(into);
    start().collect(into);
    expect(into.crashes).toHaveLength(1);
    rmSync(join(root, 'data'), { recursive: true });
    start().collect(into);
    expect(into.crashes).toHaveLength(2);
    expect(into.crashes[1]).toEqual(into.crashes[0]);
  });

  it('looks once a minute, and finds what is new', () => {
    const source = start();
    source.collect(into);
    writePanic(1);
    clock.step(59_999);
    source.collect(into);
    expect(into.crashes).toEqual([]);
    clock.step(1);
    source.collect(into);
    expect(into.crashes).toHaveLength(1);
    const oops =
      'Oops#1 Part1\n<1>[   83.201634] Unable to handle kernel NULL pointer dereference at virtual address 10\n';
    write(join(MOUNT, 'dmesg-ramoops-0'), oops, CRASHED_S + 86_400);
    clock.step(60_000);
    source.collect(into);
    expect(into.crashes).toHaveLength(2);
    expect(into.crashes[1]?.findings.witness).toMatchObject({
      kind: 'oops',
      first_us: (CRASHED_S + 86_400) * 1_000_000,
    });
  });

  it('begins with the newest', () => {
    for (const after of [0, 7200, 3600]) {
      write(
        join(MOUNT, nameOf(1, 1, CRASHED_S + after)),
        `Panic#1 Part1\n<0>[    1.000000] Kernel panic - not syncing: ${after}\n`,
      );
    }
    start().collect(into);
    expect(told().map(([, line]) => line)).toEqual(
      [7200, 3600, 0].map((after) => `Kernel panic - not syncing: ${after}`),
    );
  });

  it('keeps what there is no room for', () => {
    writePanic(1, 2, 3);
    const source = start();
    into.room = 0;
    source.collect(into);
    source.collect(into);
    expect(into.crashes).toEqual([]);
    into.room = 1;
    source.collect(into);
    expect(into.crashes).toHaveLength(1);
  });

  it('takes a shutdown for no crash, unless it ends in trouble', () => {
    const fine = '<6>[ 9000.000000] reboot: Restarting system\n';
    write(
      join(MOUNT, 'dmesg-ramoops-0'),
      `Shutdown#1 Part1\n<1>[ 8000.000000] BUG: Bad page state in process sh\n${fine}`,
    );
    write(
      join(MOUNT, 'dmesg-ramoops-1'),
      `Emergency#1 Part1\n<0>[ 8999.000000] BUG: soft lockup - CPU#1 stuck for 22s! [sh:1]\n${fine}`,
    );
    start().collect(into);
    expect(told().map(([kind]) => kind)).toEqual(['lockup']);
  });

  it('reports a console that ends in trouble of which no dump tells', () => {
    const trouble = '[ 8999.000000] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [sh:77]\n';
    const path = join(MOUNT, 'console-ramoops-0');
    write(path, `[ 8000.000000] eth0: link up\n[ 8990.000000] eth0: link down\n`);
    const source = start();
    source.collect(into);
    expect(into.crashes).toEqual([]);
    const console = `[ 8000.000000] eth0: link up\n${trouble}\nECC: 3 Corrected bytes, 1 unrecoverable blocks\n`;
    write(path, console, CRASHED_S + 60);
    clock.step(60_000);
    source.collect(into);
    expect(told()).toEqual([
      [
        'lockup',
        'watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [sh:77]',
        false,
        `[ 8000.000000] eth0: link up\n${trouble}`,
      ],
    ]);
    // With a dump that tells of it.
    rmSync(join(root, 'data'), { recursive: true, force: true });
    write(
      join(MOUNT, 'dmesg-ramoops-0'),
      `Panic#1 Part1\n<0>${trouble}<0>[ 8999.100000] Kernel panic - not syncing: softlockup: hung tasks\n`,
    );
    start().collect(into);
    expect(
      told()
        .slice(1)
        .map(([kind, , complete]) => [kind, complete]),
    ).toEqual([['lockup', true]]);
    expect(into.crashes).toHaveLength(2);
  });

  it('counts what it does not look at', () => {
    writePanic(1);
    write(join(MOUNT, nameOf(2)), `Panic#1 Part2\n${'x'.repeat(4 * 1024 * 1024)}`);
    const source = start();
    source.collect(into);
    expect(into.losses).toEqual({ too_large: 1 });
    for (let i = 0; i < 1030; i++) write(join(ARCHIVE, `dmesg-ramoops-${i}`), 'Shutdown#1 Part1\n');
    clock.step(60_000);
    source.collect(into);
    expect(into.losses).toEqual({ too_large: 2, files_full: 1030 - 1022 });
  });

  it('reads no more than a mebibyte or so at once', () => {
    for (let i = 0; i < 4; i++) {
      write(join(MOUNT, `dmesg-ramoops-${i}`), `Panic#${i} Part1\n${'x'.repeat(700_000)}\n`, CRASHED_S - i);
    }
    const source = start();
    source.collect(into);
    expect(into.crashes).toHaveLength(2);
    source.collect(into);
    expect(into.crashes).toHaveLength(4);
  });
});

describe('what it needs', () => {
  const backend = (name: string) => write('sys/module/pstore/parameters/backend', `${name}\n`);
  const mount = () =>
    write('proc/mounts', 'sysfs /sys sysfs rw 0 0\npstore /sys/fs/pstore pstore rw,nosuid 0 0\n');

  it('is there', () => {
    backend('efi_pstore');
    mount();
    expect(open().probe()).toEqual({ state: 'ok', detail: 'reads the crashes that efi_pstore kept' });
  });

  it('is a kernel with pstore', () => {
    rmSync(join(root, 'sys'), { recursive: true });
    expect(open().probe()).toEqual({ state: 'off', detail: 'this kernel has no pstore to keep a crash in' });
  });

  it('is a backend', () => {
    backend('(null)');
    mount();
    const nothing = {
      state: 'unavailable',
      detail: "finds no crashes of this host's earlier boots",
      missing: 'no backend of pstore is registered, so that no crash outlives a reboot',
    };
    expect(open().probe()).toEqual({
      ...nothing,
      mend: 'boot with reserve_mem=2M:4096:oops ramoops.mem_name=oops (Linux 6.12), or boot with memmap=2M$ADDRESS ramoops.mem_address=ADDRESS ramoops.mem_size=2M',
    });
    mkdirSync(join(root, 'sys/firmware/efi'), { recursive: true });
    expect(open().probe()).toEqual({ ...nothing, mend: 'modprobe efi_pstore pstore_disable=0' });
  });

  it('is a mount', () => {
    backend('ramoops');
    write('proc/mounts', 'sysfs /sys sysfs rw 0 0\n');
    const lack = {
      missing: `pstore is not mounted on ${root}/sys/fs/pstore`,
      mend: 'mount -t pstore pstore /sys/fs/pstore, or docker run -v /sys/fs/pstore:/sys/fs/pstore',
    };
    expect(open().probe()).toEqual({
      state: 'unavailable',
      detail: "finds no crashes of this host's earlier boots",
      ...lack,
    });
    write(join(ARCHIVE, 'dmesg-ramoops-0'), 'Panic#1 Part1\n');
    expect(open().probe()).toEqual({
      state: 'degraded',
      detail: `reads the crashes in ${root}/var/lib/systemd/pstore alone`,
      ...lack,
    });
  });

  it('is that kdump lets it go first', () => {
    backend('ramoops');
    mount();
    write('sys/kernel/kexec_crash_loaded', '1\n');
    write('sys/module/kernel/parameters/crash_kexec_post_notifiers', 'N\n');
    const detail = 'reads the crashes that ramoops kept';
    expect(open().probe()).toEqual({
      state: 'degraded',
      detail,
      missing: 'a kdump kernel is loaded, which a panic starts before pstore and netoops hear of it',
      mend: 'boot with crash_kexec_post_notifiers; echo Y > /sys/module/kernel/parameters/crash_kexec_post_notifiers',
    });
    write('sys/module/kernel/parameters/crash_kexec_post_notifiers', 'Y\n');
    expect(open().probe()).toEqual({ state: 'ok', detail });
    write('sys/module/kernel/parameters/crash_kexec_post_notifiers', 'N\n');
    write('sys/kernel/kexec_crash_loaded', '0\n');
    expect(open().probe()).toEqual({ state: 'ok', detail });
  });
});
