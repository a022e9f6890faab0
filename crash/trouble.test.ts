import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  claimsOf,
  endsInTrouble,
  isGraver,
  isLast,
  isMark,
  lastBeginning,
  lastUptimeUs,
  mayBeTrouble,
  type TroubleKind,
  troubleIn,
} from './trouble.ts';

/** Lines of real logs, of x86 and arm, 32 and 64 bits, Linux 3.18 to 6.18. */
const SIGNS: readonly (readonly [TroubleKind, string])[] = [
  ['panic', 'Kernel panic - not syncing: sysrq triggered crash'],
  ['panic', 'PANIC: double fault, error_code: 0x0'],
  ['lockup', 'watchdog: BUG: soft lockup - CPU#1 stuck for 134s! [syz-executor2:10431]'],
  ['lockup', 'NMI watchdog: BUG: soft lockup - CPU#1 stuck for 11s! [syz-executor7:16813]'],
  ['lockup', 'BUG: soft lockup - CPU#0 stuck for 22s! [kworker/0:2:1400]'],
  ['lockup', 'NMI watchdog: Watchdog detected hard LOCKUP on cpu 3'],
  ['lockup', 'watchdog: CPU3: Watchdog detected hard LOCKUP on cpu 3'],
  ['lockup', 'watchdog: CPU 12 self-detected hard LOCKUP @ plpar_hcall_norets+0x1c/0x28'],
  ['lockup', 'BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 36s!'],
  ['oops', 'BUG: kernel NULL pointer dereference, address: 0000000000000008'],
  ['oops', 'BUG: unable to handle kernel paging request at ffffea0000f0e440'],
  ['oops', 'BUG: unable to handle page fault for address: ffffc9001652fa68'],
  ['oops', 'BUG: stack guard page was hit at ffffc9001a6e7fe8 (stack is ffffc9001a6e8000..ffffc9001a6effff)'],
  [
    'oops',
    'BUG: TASK stack guard page was hit at ffffc9000e4aff58 (stack is ffffc9000e4b0000..ffffc9000e4b8000)',
  ],
  ['oops', 'Oops: 0002 [#1] SMP PTI'],
  [
    'oops',
    'Oops: general protection fault, probably for non-canonical address 0xdffffc0000000000: 0000 [#1] SMP KASAN',
  ],
  ['oops', 'Oops: int3: 0000 [#1] SMP KASAN NOPTI'],
  ['oops', 'int3: 0000 [#1] SMP PTI'],
  ['oops', 'general protection fault: 0000 [#1] SMP DEBUG_PAGEALLOC KASAN'],
  ['oops', 'divide error: 0000 [#1] SMP KASAN'],
  ['oops', 'invalid opcode: 0000 [#1] SMP'],
  ['oops', 'stack segment: 0000 [#1] SMP'],
  ['oops', 'kernel tried to execute NX-protected page - exploit attempt? (uid: 0)'],
  ['oops', 'kernel BUG at mm/usercopy.c:84!'],
  ['oops', 'Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008'],
  [
    'oops',
    'Unable to handle kernel access to user memory without uaccess routines at virtual address 000000000cc6b0d0',
  ],
  ['oops', 'Internal error: Oops: 96000004 [#1] PREEMPT SMP'],
  ['oops', 'Internal error: : 1b [#1] SMP ARM'],
  ['oops', 'Unhandled fault: page domain fault (0x81b) at 0x00001044'],
  ['bug', 'BUG: KASAN: slab-use-after-free in lock_timer_base+0x1d9/0x220'],
  ['bug', 'BUG: KFENCE: out-of-bounds read in test_out_of_bounds_read+0xa6/0x234'],
  ['bug', 'BUG: scheduling while atomic: syz-fuzzer/2188/0x00000101'],
  ['bug', 'BUG: Bad page state in process syz-executor209  pfn:7deea'],
  ['bug', 'BUG: using __this_cpu_read() in preemptible [00000000] code: syz-executor6/27031'],
  ['bug', 'BUG kmalloc-64 (Not tainted): Redzone overwritten'],
  ['bug', 'BUG skbuff_head_cache (Tainted: G    B      ): Poison overwritten'],
  ['bug', '[ BUG: Invalid wait context ]'],
  ['bug', 'UBSAN: array-index-out-of-bounds in drivers/net/x.c:12:3'],
  ['bug', 'refcount_t: underflow; use-after-free.'],
  ['stall', 'rcu: INFO: rcu_preempt self-detected stall on CPU'],
  [
    'stall',
    'rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 0-... } 21002 jiffies s: 1453 root: 0x1/.',
  ],
  ['stall', 'INFO: rcu_sched detected stalls on CPUs/tasks:'],
  ['hung task', 'INFO: task sh:23119 blocked for more than 1 seconds.'],
  ['hung task', 'INFO: task kworker/u4:3:3563 blocked in I/O wait for more than 122 seconds.'],
  ['warning', '------------[ cut here ]------------'],
  ['warning', 'WARNING: CPU: 0 PID: 3081 at mm/slab_common.c:971 kmalloc_slab+0x5d/0x70'],
  [
    'warning',
    'WARNING: net/mac80211/tx.c:5024 at __ieee80211_beacon_get+0x125d/0x1630, CPU#1: syz.9.803/11907',
  ],
  [
    'warning',
    'WARNING: [time_after(jiffies, timeout)] io_uring/io_uring.c:3026 at io_ring_exit_work+0x44c/0xbc0, CPU#0: kworker/u8:0/10040',
  ],
  ['warning', 'WARNING: at net/sched/sch_generic.c:255 dev_watchdog+0x25c/0x270()'],
  ['warning', 'WARNING: possible circular locking dependency detected'],
  ['warning', '[ INFO: possible circular locking dependency detected ]'],
  ['warning', '[ INFO: suspicious RCU usage. ]'],
  ['warning', 'WARNING: suspicious RCU usage'],
  ['warning', 'WARNING: inconsistent lock state'],
  ['warning', 'WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected'],
  ['warning', 'WARNING: bad unlock balance detected!'],
  ['warning', 'WARNING: Nested lock was not taken'],
  ['warning', 'WARNING: lock held when returning to user space!'],
  ['warning', 'WARNING: syz-executor0/12345 still has locks held!'],
  ['warning', 'INFO: trying to register non-static key.'],
];

/** Lines that only look like it. */
const OTHERS = [
  'Kernel command line: console=ttyS0 quiet',
  'WARNING: The mand mount option has been deprecated and',
  "usb 5-1: WARNING: ath10k USB support is incomplete, don't expect anything to work!",
  'XFS (loop4): WARNING: Reset corrupted AGFL on AG 0. 1 blocks leaked. Please unmount and run xfs_repair.',
  'NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.',
  'BUG UNIX (Not tainted): kasan: bad access detected',
  'INFO: lockdep is turned off.',
  'INFO: NMI handler (nmi_cpu_backtrace_handler) took too long to run: 1.217 msecs',
  'traps: a.out[812] general protection fault ip:401136 sp:7ffd0 error:0 in a.out[401000+1000]',
  'rcu: Hierarchical RCU implementation.',
  'kernel: a word',
  ' Kernel panic - not syncing: indented',
  // What a process chose for its name.
  'BUG: x[812]: segfault at 0 ip 0000000000401136 sp 00007ffd0 error 4 in BUG: x[401000+1000]',
  'BUG: x (812): drop_caches: 3',
  'BUG: x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0',
  'WARNING: CPU: 0: page allocation failure: order:4, mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO)',
  'Oops: x[12]: bad frame in sigreturn',
];

describe('troubleIn', () => {
  it.each(SIGNS)('finds a %s in "%s"', (kind, text) => {
    expect(troubleIn(text)).toBe(kind);
    expect(mayBeTrouble(Buffer.from(text), 0)).toBe(true);
  });

  it.each(OTHERS)('finds nothing in "%s"', (text) => {
    expect(troubleIn(text)).toBeNull();
  });

  it('takes any text', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('', ...SIGNS.map(([, text]) => text)),
        fc.string({ unit: 'binary' }),
        (start, end) => {
          const text = start + end;
          // What tells of trouble is never passed over by the quicker look.
          if (troubleIn(text) !== null) expect(mayBeTrouble(Buffer.from(`x${text}`), 1)).toBe(true);
        },
      ),
    );
  });
});

describe('mayBeTrouble', () => {
  it('does not look beyond the end', () => {
    expect(mayBeTrouble(Buffer.from('WARNING'), 4)).toBe(false);
    expect(mayBeTrouble(Buffer.from('WARN'), 0)).toBe(true);
    expect(mayBeTrouble(Buffer.from('WAR'), 0)).toBe(false);
  });
});

describe('isGraver', () => {
  it('is what a kernel dies of, behind what it lives on after', () => {
    expect(isGraver('oops', 'warning')).toBe(true);
    expect(isGraver('panic', 'hung task')).toBe(true);
    expect(isGraver('bug', 'stall')).toBe(true);
    expect(isGraver('panic', 'oops')).toBe(false);
    expect(isGraver('warning', 'oops')).toBe(false);
    expect(isGraver('warning', 'stall')).toBe(false);
  });
});

describe('isLast and isMark', () => {
  it('know the lines that say nothing of what it was', () => {
    expect(isLast('---[ end Kernel panic - not syncing: Fatal exception ]---')).toBe(true);
    expect(isLast('Rebooting in 10 seconds..')).toBe(true);
    expect(isLast('---[ end trace 0000000000000000 ]---')).toBe(false);
    expect(isMark('------------[ cut here ]------------')).toBe(true);
    expect(isMark('---[ end trace 0000000000000000 ]---')).toBe(false);
  });
});

const X86 = `[    0.000000] Linux version 6.12.9-amd64 (debian-kernel@lists.debian.org) (x86_64-linux-gnu-gcc-14) #1 SMP
[    1.004821] ------------[ cut here ]------------
[    1.004823] WARNING: CPU: 0 PID: 1 at drivers/base/dd.c:1 driver_probe+0x1/0x2
[ 2071.001234] eth0: link up
[ 2072.550001] BUG: kernel NULL pointer dereference, address: 0000000000000000
[ 2072.550005] #PF: supervisor write access in kernel mode
[ 2072.550009] Oops: 0002 [#1] PREEMPT SMP NOPTI
[ 2072.550011] CPU: 1 UID: 0 PID: 77 Comm: sh Tainted: G        W  OE      6.12.9-amd64 #1
[ 2072.550013] Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2-debian-1.16.2-1 04/01/2014 
[ 2072.561000] Kernel panic - not syncing: Fatal exception
[ 2072.570000] ---[ end Kernel panic - not syncing: Fatal exception ]---
`;

const ARM64 = `<6>[    0.000000][    T0] Linux version 6.1.0-18-arm64 (builder@host) #1 SMP
<1>[   83.201634][   T46] Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010
<1>[   83.201640][   T46] Mem abort info:
<0>[   83.201650][   T46] Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP
<4>[   83.201660][   T46] CPU: 1 PID: 46 Comm: kworker/1:1 Not tainted 6.1.0-18-arm64 #1
<4>[   83.201662][   T46] Hardware name: linux,dummy-virt (DT)
<4>[   83.201670][   T46] pstate: 60400009 (nZCv daif +PAN -UAO -TCO -DIT -SSBS BTYPE=--)
<4>[   83.201680][   T46] ---[ end trace 0000000000000000 ]---
`;

describe('lastBeginning', () => {
  it('is the first sign of the last crash', () => {
    expect(lastBeginning(X86)).toEqual({
      kind: 'oops',
      text: 'BUG: kernel NULL pointer dereference, address: 0000000000000000',
      uptimeUs: 2_072_550_001,
    });
    expect(lastBeginning(ARM64)).toEqual({
      kind: 'oops',
      text: 'Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010',
      uptimeUs: 83_201_634,
    });
  });

  it('is what stands behind the mark', () => {
    expect(lastBeginning(X86.slice(0, X86.indexOf('[ 2071')))).toEqual({
      kind: 'warning',
      text: 'WARNING: CPU: 0 PID: 1 at drivers/base/dd.c:1 driver_probe+0x1/0x2',
      uptimeUs: 1_004_823,
    });
  });

  it('keeps signs together that are half a minute apart, and no more', () => {
    const log = (us: string) =>
      `[  100.000000] BUG: unable to handle page fault\n[  ${us}] Kernel panic - not syncing: b\n`;
    expect(lastBeginning(log('130.000000'))?.kind).toBe('oops');
    expect(lastBeginning(log('130.000001'))?.kind).toBe('panic');
  });

  it('is the first grave sign of those that belong together', () => {
    const log = [
      '[  100.000000] WARNING: CPU: 0 PID: 1 at a.c:1',
      '[  101.000000] BUG: unable to handle page fault',
      '[  101.000001] WARNING: CPU: 0 PID: 1 at b.c:1',
      '[  101.000002] Kernel panic - not syncing: Fatal exception',
    ].join('\n');
    expect(lastBeginning(log)).toEqual({
      kind: 'oops',
      text: 'BUG: unable to handle page fault',
      uptimeUs: 101_000_000,
    });
  });

  it('is the end of a panic where that alone is left', () => {
    expect(
      lastBeginning('[ 2072.570000] ---[ end Kernel panic - not syncing: Fatal exception ]---\n'),
    ).toEqual({
      kind: 'panic',
      text: 'Kernel panic - not syncing: Fatal exception',
      uptimeUs: 0,
    });
  });

  it('is nothing in a healthy log, and of any text a part of it', () => {
    expect(lastBeginning('')).toBeNull();
    expect(lastBeginning('[    1.000000] eth0: link up\n[    2.000000] eth0: link down')).toBeNull();
    const line = fc.oneof(fc.constantFrom(...SIGNS.map(([, text]) => text)), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.join('\n');
        const found = lastBeginning(text);
        expect(found === null || text.includes(found.text)).toBe(true);
      }),
    );
  });
});

describe('endsInTrouble', () => {
  it('tells whether the log went on after its last sign', () => {
    expect(endsInTrouble(X86)).toBe(true);
    expect(endsInTrouble(ARM64)).toBe(true);
    expect(endsInTrouble(`${ARM64}[  113.201650] reboot: Restarting system\n`)).toBe(true);
    expect(endsInTrouble(`${ARM64}[  113.201651] reboot: Restarting system\n`)).toBe(false);
    expect(endsInTrouble('[ 2072.570000] ---[ end Kernel panic - not syncing: Fatal exception ]---')).toBe(
      true,
    );
    expect(endsInTrouble('[    1.000000] eth0: link up\n')).toBe(false);
    expect(endsInTrouble('')).toBe(false);
  });
});

describe('claimsOf', () => {
  it('reads the kernel and the machine off a log', () => {
    expect(claimsOf(X86)).toEqual({
      kernel: '6.12.9-amd64',
      hardware: 'QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2-debian-1.16.2-1 04/01/2014',
    });
    expect(claimsOf(ARM64)).toEqual({ kernel: '6.1.0-18-arm64', hardware: 'linux,dummy-virt (DT)' });
  });

  it('takes the last that is said, and what a healthy log says', () => {
    const earlier = ARM64.replaceAll('6.1.0-18-arm64', '6.1.0-17-arm64');
    expect(claimsOf(earlier + ARM64).kernel).toBe('6.1.0-18-arm64');
    expect(
      claimsOf('[ 0.000000] Linux version 6.18.44-fc-v857 (builder@sandboxing) (gcc (GCC) 15.3.0)\n'),
    ).toEqual({
      kernel: '6.18.44-fc-v857',
      hardware: '',
    });
    expect(claimsOf('')).toEqual({ kernel: '', hardware: '' });
  });
});

describe('lastUptimeUs', () => {
  it('is that of the last line which says it', () => {
    expect(lastUptimeUs(X86)).toBe(2_072_570_000);
    expect(lastUptimeUs('[    7.000001] a\nb\n\n')).toBe(7_000_001);
    expect(lastUptimeUs('a\nb')).toBe(0);
    expect(lastUptimeUs('')).toBe(0);
  });
});
