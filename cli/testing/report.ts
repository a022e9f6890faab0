/** For tests: a report of a crash, and a group of crashes that it would be one of. */
import type { CrashGroup } from '@netfall/collector';
import { type Frame, type Report, type Signed, signatureOf, taintMeanings } from '@netfall/crash';

const SIGNED: Signed = {
  bug: 'bad-access in tun_chr_close',
  guilty: 3,
  frames: [
    { function: 'dump_stack_lvl', reliable: true },
    { function: 'print_report', reliable: true },
    { function: 'kasan_report', reliable: true },
    { function: 'tun_chr_close', reliable: true },
    { function: 'task_work_run', reliable: false },
    { function: '__fput', reliable: true },
    { function: '____fput.isra.0', reliable: true },
    { function: 'do_syscall_64', reliable: true },
  ],
};

export function aFrame(name: string, part: Partial<Frame> = {}): Frame {
  const frame = { offset: 0x1a, module: '', source: '', reliable: true, inline: false, line: 0, passed: '' };
  return { ...frame, function: name, ...part };
}

/** A device that was closed twice, as KASAN saw it. */
export function aReport(part: Partial<Report> = {}): Report {
  const frames = SIGNED.frames.map(({ function: name, reliable }, i) =>
    aFrame(name, { reliable, line: 112 + i, passed: i < 3 ? 'reporting' : '' }),
  );
  frames[3] = { ...frames[3]!, module: 'tun', source: 'drivers/net/tun.c:3455', offset: null, inline: true };
  return {
    ...SIGNED,
    corrupted: '',
    title: 'KASAN: use-after-free Read in tun_chr_close',
    alternates: ['KASAN: invalid-access Read in tun_chr_close', 'general protection fault in tun_chr_close'],
    type: 'kasan',
    signature: signatureOf(SIGNED),
    frames,
    place: 'tun_chr_close',
    start: 108,
    end: 160,
    uptimeUs: 4_012_345_678,
    process: 'syz-executor.0',
    pid: 3914,
    cpu: 1,
    kernel: '6.12.9-amd64',
    taint: { flags: 'GWOE', meanings: taintMeanings('GWOE') },
    hardware: 'Dell Inc. PowerEdge R640/0X45NX, BIOS 2.21.2 02/19/2024',
    modules: ['tun', 'mlx5_core'],
    registers: { RIP: '0033:0x45d04a', RSP: '002b:00007ffc5c1f6a48' },
    code: '48 89 e5',
    before: ['tun: tap0 was closed', 'br0: port 2(tap0) entered disabled state'],
    earlier: [],
    consequences: [{ title: 'kernel panic: panic_on_warn set', type: 'panic', line: 158 }],
    ...part,
  };
}

/** The crashes of {@link aReport}'s signature, the last one two minutes before 2026-01-02 03:04:05 UTC. */
export function aGroup(part: Partial<CrashGroup> = {}): CrashGroup {
  const last_us = Date.UTC(2026, 0, 2, 3, 2, 5) * 1000;
  const { signature, title, type, bug, hardware } = aReport();
  return {
    ...{ signature, title, type, bug, corrupted: false, crashes: 3, fatal: 0 },
    hosts: [
      { name: 'db-7', crashes: 2 },
      { name: '192.0.2.77', crashes: 1 },
    ],
    hosts_total: 2,
    kernels: [{ name: '6.1.0-18-amd64', crashes: 3 }],
    taints: [{ name: '', crashes: 3 }],
    hardware: [{ name: hardware, crashes: 3 }],
    ...{ first_us: last_us - 86_400_000_000, last_us, last_crash_id: 'c1041-0' },
    ...part,
  };
}
