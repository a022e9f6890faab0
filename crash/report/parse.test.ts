import { describe, expect, it } from 'vitest';
import { readCrash } from './parse.ts';
import type { CrashType } from './types.ts';

const STACK = `Call Trace:
 <TASK>
 dump_stack_lvl+0x48/0x5f
 ? printk+0x5a/0x70
 ring_fill+0x1a/0x90 [eth_demo]
 eth_demo_poll+0x40/0x1c0 [eth_demo]
 __napi_poll+0x2b/0x160
 net_rx_action+0x2b0/0x330
 </TASK>`;

interface Case {
  readonly log: string;
  readonly title: string;
  readonly type: CrashType;
  readonly bug?: string;
  readonly alternates?: readonly string[];
}

/** Each of the trouble that has a stack, above it. */
const stacked: readonly (Omit<Case, 'log'> & { readonly says: string })[] = [
  {
    says: 'BUG: KASAN: slab-use-after-free in ring_fill+0x1a/0x90\nRead of size 8 at addr ffff888012345678 by task kworker/1:2/77',
    title: 'KASAN: slab-use-after-free Read in ring_fill',
    type: 'kasan',
    bug: 'bad-access in ring_fill',
  },
  {
    says: 'BUG: KASAN: double-free or invalid-free in ring_fill+0x1a/0x90',
    title: 'KASAN: invalid-free in ring_fill',
    type: 'kasan',
    bug: 'invalid-free in ring_fill',
  },
  {
    says: 'UBSAN: shift-out-of-bounds in drivers/net/demo.c:77:12',
    title: 'UBSAN: shift-out-of-bounds in ring_fill',
    type: 'ubsan',
  },
  {
    says: 'BUG: kernel NULL pointer dereference, address: 0000000000000008\n#PF: supervisor read access in kernel mode\nOops: 0000 [#1] PREEMPT SMP NOPTI',
    title: 'BUG: unable to handle kernel NULL pointer dereference in ring_fill',
    type: 'null-pointer-dereference',
    bug: 'bad-access in ring_fill',
  },
  {
    says: 'BUG: unable to handle page fault for address: ffffc90000345678',
    title: 'BUG: unable to handle kernel paging request in ring_fill',
    type: 'page-fault',
    bug: 'bad-access in ring_fill',
  },
  {
    says: 'Oops: general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1] SMP',
    title: 'general protection fault in ring_fill',
    type: 'general-protection',
    bug: 'bad-access in ring_fill',
  },
  {
    says: 'Oops: 0002 [#1] PREEMPT SMP NOPTI',
    title: 'Oops in ring_fill',
    type: 'page-fault',
    bug: 'bad-access in ring_fill',
  },
  {
    says: 'Oops: Oops: 0002 [#1] SMP NOPTI',
    title: 'Oops in ring_fill',
    type: 'page-fault',
    bug: 'bad-access in ring_fill',
  },
  {
    says: 'Oops: control protection: 0003 [#1] SMP',
    title: 'control protection in ring_fill',
    type: 'invalid-opcode',
  },
  {
    says: 'CFI failure at ring_fill+0x1a/0x90 (target: foo+0x0/0x10; expected type: 0x1)',
    title: 'CFI failure in ring_fill',
    type: 'bug',
  },
  {
    says: 'UBSAN: array index out of bounds at ring_fill+0x1a/0x90',
    title: 'UBSAN: array index out of bounds in ring_fill',
    type: 'ubsan',
  },
  {
    says: 'SError Interrupt on CPU1, code 0x00000000be000011 -- SError',
    title: 'SError interrupt in ring_fill',
    type: 'machine-check',
  },
  {
    says: 'Internal error: synchronous external abort: 0000000096000210 [#1] SMP',
    title: 'Internal error in ring_fill',
    type: 'machine-check',
  },
  { says: 'divide error: 0000 [#1] PREEMPT SMP', title: 'divide error in ring_fill', type: 'divide-error' },
  { says: 'invalid opcode: 0000 [#1] SMP', title: 'invalid opcode in ring_fill', type: 'invalid-opcode' },
  {
    says: '------------[ cut here ]------------\nkernel BUG at drivers/net/demo.c:77!\ninvalid opcode: 0000 [#1] SMP',
    title: 'kernel BUG in ring_fill',
    type: 'bug',
  },
  {
    says: 'list_del corruption. prev->next should be ffff888012345678, but was ffff888087654321\n------------[ cut here ]------------\nkernel BUG at lib/list_debug.c:59!',
    title: 'BUG: corrupted list in ring_fill',
    type: 'list-corruption',
    bug: 'bad-access in ring_fill',
  },
  {
    says: '------------[ cut here ]------------\nrefcount_t: underflow; use-after-free.\nWARNING: CPU: 1 PID: 77 at lib/refcount.c:28 refcount_warn_saturate+0xba/0x110',
    title: 'WARNING: refcount bug in ring_fill',
    type: 'refcount',
  },
  {
    says: 'WARNING: CPU: 1 PID: 77 at drivers/net/demo.c:77 ring_fill+0x1a/0x90 [eth_demo]',
    title: 'WARNING in ring_fill',
    type: 'warning',
  },
  {
    says: 'WARNING: drivers/net/demo.c:77 at ring_fill+0x1a/0x90 [eth_demo], CPU#1: kworker/1:2/77',
    title: 'WARNING in ring_fill',
    type: 'warning',
  },
  {
    says: 'BUG: scheduling while atomic: kworker/1:2/77/0x00000100',
    title: 'BUG: scheduling while atomic in ring_fill',
    type: 'atomic-sleep',
  },
  {
    says: 'BUG: sleeping function called from invalid context at mm/slab.h:421',
    title: 'BUG: sleeping function called from invalid context in ring_fill',
    type: 'atomic-sleep',
  },
  {
    says: 'WARNING: suspicious RCU usage\n6.1.0 #1 Not tainted',
    title: 'WARNING: suspicious RCU usage in ring_fill',
    type: 'lockdep',
  },
  {
    says: 'BUG: spinlock bad magic on CPU#1, kworker/1:2/77',
    title: 'BUG: spinlock bad magic in ring_fill',
    type: 'lockdep',
  },
  {
    says: 'BUG kmalloc-64 (Not tainted): Poison overwritten',
    title: 'BUG: Poison overwritten in ring_fill',
    type: 'slab-corruption',
    bug: 'slab-corruption in ring_fill',
  },
  {
    says: '------------[ cut here ]------------\nmemset: detected buffer overflow: 24 byte write of buffer size 16\nWARNING: CPU: 1 PID: 77 at lib/string_helpers.c:1032 __fortify_report+0x43/0x50',
    title: 'kernel BUG in ring_fill',
    type: 'bug',
  },
  {
    says: 'detected buffer overflow in strlcpy\n------------[ cut here ]------------\nkernel BUG at lib/string_helpers.c:1031!',
    title: 'kernel BUG in ring_fill',
    type: 'bug',
  },
  {
    says: 'rust_kernel: panicked at drivers/net/demo.rs:77:5:\nattempt to add with overflow\nkernel BUG at rust/helpers/bug.c:7!',
    title: 'attempt to add with overflow in ring_fill',
    type: 'bug',
  },
];

const whole: readonly Case[] = [
  ...stacked.map(({ says, ...rest }) => ({ log: `${says}\n${STACK}\n`, ...rest })),
  {
    log: `BUG: KCSAN: data-race in ring_fill / eth_demo_poll

write to 0xffff888012345678 of 4 bytes by task 77 on cpu 1:
 ring_fill+0x1a/0x90
`,
    title: 'KCSAN: data-race in eth_demo_poll / ring_fill',
    type: 'kcsan',
  },
  {
    log: `BUG: KMSAN: uninit-value in sha256_update+0x5/0x40
 sha256_update+0x5/0x40
 crypto_shash_update+0x12/0x50
 demo_sign+0x77/0x90

Uninit was created at:
 __kmalloc+0x12/0x50
 demo_alloc+0x5/0x9
`,
    title: 'KMSAN: uninit-value in demo_sign',
    type: 'kmsan',
    bug: 'bad-access in demo_sign',
  },
  {
    log: `BUG: KFENCE: out-of-bounds read in demo_parse+0x5/0x40

Out-of-bounds read at 0xffff888012345678 (1B left of kfence-#17):
 demo_parse+0x5/0x40
 demo_rx+0x5/0x40
`,
    title: 'KFENCE: out-of-bounds read in demo_parse',
    type: 'kfence',
    bug: 'bad-access in demo_parse',
  },
  {
    log: `BUG: memory leak
unreferenced object 0xffff888012345678 (size 64):
  comm "modprobe", pid 77, jiffies 4294937296
  backtrace (crc 1f2e3d4c):
    [<00000000aabbccdd>] kmemleak_alloc+0x4e/0xb0
    [<00000000aabbccdd>] kmalloc_trace+0x2a/0x90
    [<00000000aabbccdd>] demo_ring_alloc+0x12/0x40
    [<00000000aabbccdd>] demo_probe+0x44/0x90
`,
    title: 'memory leak in demo_probe',
    type: 'memory-leak',
  },
  {
    log: `watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [kworker/1:2:77]
CPU: 1 PID: 77 Comm: kworker/1:2 Not tainted 6.1.0-18-amd64 #1
RIP: 0010:native_queued_spin_lock_slowpath+0x60/0x1d0
Call Trace:
 <TASK>
 _raw_spin_lock+0x25/0x30
 ring_walk+0x10/0x80
 ring_gc+0x33/0x90
 process_one_work+0x1e2/0x3b0
 worker_thread+0x4d/0x3c0
`,
    title: 'BUG: soft lockup in ring_gc',
    type: 'soft-lockup',
    bug: 'stall in ring_gc',
  },
  {
    log: `rcu: INFO: rcu_sched self-detected stall on CPU
rcu: 	1-....: (5249 ticks this GP) idle=1b4/1/0x4000000000000000
NMI backtrace for cpu 1
CPU: 1 PID: 77 Comm: demo Not tainted 6.1.0-18-amd64 #1
Call Trace:
 <IRQ>
 dump_stack_lvl+0x48/0x5f
 rcu_dump_cpu_stacks+0xd2/0x110
 rcu_sched_clock_irq+0x5e1/0x10a0
 update_process_times+0x70/0xb0
 tick_sched_timer+0x88/0xa0
 __hrtimer_run_queues+0x12b/0x2c0
 hrtimer_interrupt+0x106/0x220
 __sysvec_apic_timer_interrupt+0x6f/0x140
 sysvec_apic_timer_interrupt+0x4f/0x90
 </IRQ>
 <TASK>
 asm_sysvec_apic_timer_interrupt+0x16/0x20
RIP: 0010:ring_walk+0x10/0x80
 ring_dump+0x11/0x90
 __x64_sys_demo+0x1a/0x20
 do_syscall_64+0x5b/0xc0
`,
    title: 'INFO: rcu detected stall in sys_demo',
    type: 'rcu-stall',
    bug: 'stall in sys_demo',
    alternates: [
      'INFO: rcu detected stall in __x64_sys_demo',
      'stall in sys_demo',
      'stall in __x64_sys_demo',
    ],
  },
  {
    log: `INFO: task mount:77 blocked for more than 120 seconds.
      Not tainted 6.1.0-18-amd64 #1
"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.
task:mount           state:D stack:0     pid:77    ppid:1      flags:0x00004002
Call Trace:
 <TASK>
 __schedule+0x34d/0x9e0
 schedule+0x5a/0xd0
 schedule_timeout+0x118/0x150
 wait_for_completion+0x86/0x160
 __flush_work+0x15b/0x230
 demo_fill_super+0x80/0x210
 get_tree_bdev+0x176/0x280
`,
    title: 'INFO: task hung in demo_fill_super',
    type: 'hung-task',
    bug: 'hang in demo_fill_super',
  },
  {
    log: `WARNING: possible circular locking dependency detected
6.1.0 #1 Not tainted
------------------------------------------------------
demo/77 is trying to acquire lock:
ffff888012345678 (&ring->lock){+.+.}-{3:3}, at: ring_resize+0x33/0x90

but task is already holding lock:
ffffffff82345678 (rtnl_mutex){+.+.}-{3:3}, at: rtnl_lock+0x17/0x20

-> #1 (rtnl_mutex){+.+.}-{3:3}:
       __mutex_lock+0x9a/0x7b0
       ring_open+0x33/0x90

stack backtrace:
Call Trace:
 dump_stack_lvl+0x48/0x5f
 check_noncircular+0x103/0x120
 __lock_acquire+0x1203/0x1f90
 lock_acquire+0xd0/0x2e0
 __mutex_lock+0x9a/0x7b0
 ring_resize+0x33/0x90
`,
    title: 'possible deadlock in ring_resize',
    type: 'lockdep',
  },
  {
    log: 'BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 33s!\n',
    title: 'BUG: workqueue lockup',
    type: 'workqueue-lockup',
  },
  {
    log: `demo invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=0
Mem-Info:
Out of memory: Killed process 4711 (java) total-vm:8123456kB, anon-rss:7123456kB
`,
    title: 'out of memory: killed java',
    type: 'out-of-memory',
    bug: 'out of memory',
    alternates: [],
  },
  {
    log: `demo invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
Memory cgroup out of memory: Killed process 4711 (java) total-vm:8123456kB
`,
    title: 'memory cgroup out of memory: killed java',
    type: 'out-of-memory',
    bug: 'memory cgroup out of memory',
    alternates: [],
  },
  {
    log: `mce: [Hardware Error]: CPU 3: Machine Check Exception: 5 Bank 4: b200000000070f0f
mce: [Hardware Error]: TSC 1234567890ab
Kernel panic - not syncing: Fatal machine check on current CPU
`,
    title: 'machine check in bank 4',
    type: 'machine-check',
  },
  {
    log: `{1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 1
{1}[Hardware Error]: event severity: fatal
{1}[Hardware Error]:   section_type: PCIe error
`,
    title: 'hardware error told by firmware: PCIe error',
    type: 'machine-check',
  },
  {
    log: `------------[ cut here ]------------
NETDEV WATCHDOG: eth7 (mlx5_core): transmit queue 3 timed out
WARNING: CPU: 1 PID: 0 at net/sched/sch_generic.c:525 dev_watchdog+0x207/0x210
`,
    title: 'NETDEV WATCHDOG: transmit queue of mlx5_core timed out',
    type: 'netdev-watchdog',
  },
  {
    log: 'mlx5_core 0000:01:00.0 eth0: NETDEV WATCHDOG: CPU: 3: transmit queue 5 timed out 5012 ms\n',
    title: 'NETDEV WATCHDOG: transmit queue of mlx5_core timed out',
    type: 'netdev-watchdog',
  },
  {
    log: 'mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 7: bc00000000010092\n',
    title: 'machine check in bank 7',
    type: 'machine-check',
  },
  {
    log: `BUG: workqueue leaked atomic, lock or RCU: kworker/1:2[77]
     preempt=0x00000001 lock=0->0 RCU=0->0 workfn=demo_work_fn
${STACK}
`,
    title: 'BUG: workqueue leaked lock or atomic in demo_work_fn',
    type: 'lockdep',
  },
  {
    log: '---[ end Kernel panic - not syncing: Attempted to kill the idle task! ]---\n',
    title: 'kernel panic: Attempted to kill the idle task!',
    type: 'panic',
  },
  {
    log: `[  100.000000][    C1] watchdog: CPU1: Watchdog detected hard LOCKUP on cpu 3
[  100.000001][    C1] Sending NMI from CPU 1 to CPUs 3:
[  100.000002][    C3] NMI backtrace for cpu 3
[  100.000003][    C3] CPU: 3 PID: 77 Comm: demo Not tainted 6.12.9-amd64 #1
[  100.000004][    C3] RIP: 0010:ring_walk+0x10/0x80
[  100.000005][   T99] other+0x1/0x2
[  100.000006][    C3] Call Trace:
[  100.000007][    C3]  ring_gc+0x33/0x90
[  100.000008][    C3]  process_one_work+0x1e2/0x3b0
`,
    title: 'BUG: hard lockup in ring_gc',
    type: 'hard-lockup',
    bug: 'stall in ring_gc',
  },
  {
    log: 'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n',
    title: 'kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)',
    type: 'panic',
  },
  {
    log: 'Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: ring_fill+0x8f/0x90\n',
    title: 'kernel panic: stack is corrupted in ring_fill',
    type: 'stack-overflow',
  },
  {
    log: 'unregister_netdevice: waiting for eth0.7 to become free. Usage count = 1\n',
    title: 'unregister_netdevice: waiting for DEV to become free',
    type: 'other',
  },
  {
    log: '[    5.000000] eth0: up\nSeaBIOS (version 1.16.2)\n[    0.000000] Linux version 6.1.0-18-amd64 (x@y) #1\n',
    title: 'unexpected kernel reboot',
    type: 'reboot',
  },
];

describe('what a crash is called', () => {
  it.each(whole.map((one) => [one.title, one] as const))('%s', (_, { log, title, type, bug, alternates }) => {
    const report = readCrash(log);
    expect({ title: report?.title, type: report?.type, corrupted: report?.corrupted }).toEqual({
      title,
      type,
      corrupted: '',
    });
    expect(report?.bug).toBe(bug ?? title);
    expect(report?.alternates).toEqual(alternates ?? (bug && bug !== title ? [bug] : []));
  });

  it.each([
    'eth0: link up\n',
    '',
    'INFO: NMI handler (perf_event_nmi_handler) took too long to run: 1.356 msecs\n',
    'rcu: INFO: Stall ended before state dump start\n',
    'BUG: sh[77]: segfault at 0 ip 0 sp 0 error 4\n',
    'WARNING: The mand mount option has been deprecated and is ignored\n',
    '[    0.000000] Linux version 6.1.0-18-amd64 (x@y) #1\n[    1.000000] eth0: up\n',
    '[    0.000000] microcode: updated early to revision 0xd4\n[    0.000000] Linux version 6.1.0-18-amd64 (x@y) #1\n',
    'EFI stub: Booting Linux Kernel...\n[    0.000000] Booting Linux on physical CPU 0x0\n[    0.000000] Linux version 6.1.0 (x) #1\n',
    '[ 5000.000000] eth0: up\n[ 5001.000000] reboot: Restarting system\n[    0.000000] Linux version 6.1.0 (x) #1\n',
    'mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 7: 8c00004000010092\n',
    '{1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 1\n{1}[Hardware Error]: event severity: corrected\n',
    'BERT: Error records from previous boot:\n[Hardware Error]: event severity: fatal\n',
    'xhci_hcd 0000:00:14.0: WARNING: Host System Error\n',
    'fatal error: cannot connect to server\n',
    'systemd[1]: foo.service:77 blocked for more than 30 seconds.\n',
    'systemd[1]: Watchdog: hard LOCKUP on cpu 1\n',
    'WARNING: /dev/sda1:2 at risk\n',
    'BUG: x: page allocation failure: order:4, mode:0xcc0\n',
    'BUG: x (77) used greatest stack depth: 12345 bytes left\n',
  ])('is nothing where there is none: %j', (log) => {
    expect(readCrash(log)).toBeNull();
  });
});

const OOPS = `[   59.000000] eth_demo: loading out-of-tree module taints kernel.
[   60.000001] BUG: kernel NULL pointer dereference, address: 0000000000000008
[   60.000002] #PF: supervisor read access in kernel mode
[   60.000003] Oops: 0000 [#1] PREEMPT SMP NOPTI
[   60.000004] CPU: 3 UID: 0 PID: 77 Comm: kworker/3:1 Kdump: loaded Tainted: G        W  OE      6.12.9-amd64 #1  Debian 6.12.9-1
[   60.000005] Hardware name: Dell Inc. PowerEdge R650/0PYXKY, BIOS 1.6.5 04/15/2022
[   60.000006] RIP: 0010:ring_fill.isra.0+0x1a/0x90 [eth_demo]
[   60.000007] Code: 48 89 df e8 <8b> 47 08 c3
[   60.000008] RSP: 0018:ffffc90000a77e40 EFLAGS: 00010246
[   60.000009] RAX: 0000000000000000 RBX: ffff888012345678 RCX: 0000000000000001
[   60.000010] CR2: 0000000000000008 CR3: 000000010d67c000 CR4: 00000000003526b0
[   60.000011] Call Trace:
[   60.000012]  <TASK>
[   60.000013]  ? __die_body+0x1f/0x60
[   60.000014]  eth_demo_poll+0x40/0x1c0 [eth_demo]
[   60.000015]  __napi_poll+0x2b/0x160
[   60.000016]  </TASK>
[   60.000017] Modules linked in: eth_demo(OE) dm_mod ext4 [last unloaded: pcspkr]
[   60.000018] ---[ end trace 0000000000000000 ]---
[   60.000019] Kernel panic - not syncing: Fatal exception in interrupt
[   60.000020] Kernel Offset: 0x1000000 from 0xffffffff81000000
[   60.000021] ---[ end Kernel panic - not syncing: Fatal exception in interrupt ]---
[   60.100000] eth0: nothing of it
`;

describe('what a report says besides', () => {
  it('is all of it, of x86', () => {
    const frame = { source: '', inline: false, reliable: true, passed: '' };
    expect(readCrash(OOPS)).toEqual({
      title: 'BUG: unable to handle kernel NULL pointer dereference in ring_fill',
      alternates: ['bad-access in ring_fill'],
      type: 'null-pointer-dereference',
      bug: 'bad-access in ring_fill',
      corrupted: '',
      signature: expect.stringMatching(/^1:[0-9a-f]{16}$/),
      start: 1,
      end: 22,
      frames: [
        { ...frame, function: 'ring_fill.isra.0', offset: 0x1a, module: 'eth_demo', line: 6 },
        { ...frame, function: '__die_body', offset: 0x1f, module: '', reliable: false, line: 13 },
        { ...frame, function: 'eth_demo_poll', offset: 0x40, module: 'eth_demo', line: 14 },
        { ...frame, function: '__napi_poll', offset: 0x2b, module: '', line: 15 },
      ],
      guilty: 0,
      place: 'ring_fill',
      uptimeUs: 60_000_001,
      process: 'kworker/3:1',
      pid: 77,
      cpu: 3,
      kernel: '6.12.9-amd64',
      taint: {
        flags: 'GWOE',
        meanings: [
          'the kernel warned before',
          'a module from outside the kernel was loaded',
          'an unsigned module was loaded',
        ],
      },
      hardware: 'Dell Inc. PowerEdge R650/0PYXKY, BIOS 1.6.5 04/15/2022',
      modules: ['eth_demo', 'dm_mod', 'ext4'],
      registers: {
        RIP: '0010:ring_fill.isra.0+0x1a/0x90 [eth_demo]',
        RSP: '0018:ffffc90000a77e40',
        EFLAGS: '00010246',
        RAX: '0000000000000000',
        RBX: 'ffff888012345678',
        RCX: '0000000000000001',
        CR2: '0000000000000008',
        CR3: '000000010d67c000',
        CR4: '00000000003526b0',
      },
      code: '48 89 df e8 <8b> 47 08 c3',
      before: ['eth_demo: loading out-of-tree module taints kernel.'],
      earlier: [],
      consequences: [{ title: 'kernel panic: Fatal exception in interrupt', type: 'panic', line: 19 }],
    });
  });

  it('is read of arm64', () => {
    const report =
      readCrash(`Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008
Mem abort info:
  ESR = 0x0000000096000006
Internal error: Oops: 0000000096000006 [#1] SMP
Modules linked in: eth_demo(O)
CPU: 2 PID: 77 Comm: sh Tainted: G           O       6.1.0-18-arm64 #1
Hardware name: linux,dummy-virt (DT)
pstate: 60400005 (nZCv daif +PAN -UAO -TCO -DIT -SSBS BTYPE=--)
pc : ring_fill+0x14/0x90 [eth_demo]
lr : eth_demo_poll+0x40/0x1c0 [eth_demo]
sp : ffff80000ff1b910
x29: ffff80000ff1b910 x28: 0000000000000007
Call trace:
 ring_fill+0x14/0x90 [eth_demo]
 eth_demo_poll+0x40/0x1c0 [eth_demo]
Code: d503201f f9400000 (b9400800) d65f03c0
`);
    expect(report).toMatchObject({
      title: 'BUG: unable to handle kernel NULL pointer dereference in ring_fill',
      type: 'null-pointer-dereference',
      process: 'sh',
      kernel: '6.1.0-18-arm64',
      hardware: 'linux,dummy-virt (DT)',
      registers: {
        pc: 'ring_fill+0x14/0x90 [eth_demo]',
        lr: 'eth_demo_poll+0x40/0x1c0 [eth_demo]',
        sp: 'ffff80000ff1b910',
        x29: 'ffff80000ff1b910',
        x28: '0000000000000007',
      },
      code: 'd503201f f9400000 (b9400800) d65f03c0',
    });
  });

  it('is of the last time that the kernel was in trouble, and what it died of before what it survived', () => {
    const warning = (seconds: number) =>
      `[${seconds}.000000] WARNING: CPU: 1 PID: 77 at a.c:1 at_${seconds}+0x1/0x2\n${STACK.replaceAll('ring_fill', `at_${seconds}`)}\n`;
    expect(readCrash(warning(20) + OOPS)).toMatchObject({
      title: 'BUG: unable to handle kernel NULL pointer dereference in ring_fill',
      earlier: [{ title: 'WARNING', type: 'warning', line: 0 }],
    });
    expect(readCrash(warning(50) + OOPS)?.title).toBe('WARNING in at_50');
    expect(readCrash(OOPS + warning(100))?.title).toMatch(/^BUG: .* in ring_fill$/);
    expect(readCrash(warning(20) + warning(100))?.title).toBe('WARNING in at_100');
    // Another boot's clock.
    expect(readCrash(warning(100) + warning(20))?.title).toBe('WARNING in at_20');
  });

  it('is not what hosts live with day by day', () => {
    const oom = '[   50.000000] Memory cgroup out of memory: Killed process 4711 (java) total-vm:8123456kB\n';
    const device = '[   55.000000] unregister_netdevice: waiting for lo to become free. Usage count = 1\n';
    const title = 'BUG: unable to handle kernel NULL pointer dereference in ring_fill';
    const report = readCrash(oom + device + OOPS);
    expect([report?.title, report?.earlier[0]?.type]).toEqual([title, 'out-of-memory']);
    expect(readCrash(OOPS + device.replace('55', '75'))).toMatchObject({ title });
  });

  it('is of one report, of several of a kind', () => {
    const [a, b] = ['one', 'two'].map(
      (name) => `WARNING: CPU: 1 PID: 77 at ${name}.c:1 ${name}+0x1/0x2\nCall Trace:\n ${name}+0x1/0x2\n`,
    );
    expect(readCrash(`${a}${b}`)).toMatchObject({
      title: 'WARNING in one',
      end: 3,
      consequences: [{ title: 'WARNING', type: 'warning', line: 3 }],
    });
  });

  it('ends where nothing comes for a while', () => {
    const log = '[    1.000000] WARNING: CPU: 1 PID: 77 at a.c:1 f+0x1/0x2\n[  900.000000]  g+0x1/0x2\n';
    expect(readCrash(log)).toMatchObject({ end: 1, corrupted: 'it has no stack trace' });
  });

  it('is of the first of the tasks that hang, whoever tells of it', () => {
    const hung = (name: string, pid: number) => `INFO: task ${name}:${pid} blocked for more than 120 seconds.
      Not tainted 6.1.0-18-amd64 #1
task:${name}           state:D stack:0     pid:${pid}
Call Trace:
 schedule+0x5a/0xd0
 wait_for_${name}+0x80/0x210
`;
    const log = `${hung('a', 77)}NMI backtrace for cpu 0\nCPU: 0 PID: 60 Comm: khungtaskd Not tainted 6.1.0-18-amd64 #1\n`;
    expect(readCrash(hung('a', 77) + hung('b', 78))).toMatchObject({ process: 'a', pid: 77 });
    expect(readCrash(log)).toMatchObject({ process: 'a', pid: 77, cpu: null, kernel: '6.1.0-18-amd64' });
  });

  it('is the first trouble of it; what comes later is its consequence', () => {
    const log = `WARNING: CPU: 1 PID: 77 at a.c:1 ring_fill+0x1a/0x90\n${STACK}\n---[ end trace 0 ]---\n\n${OOPS}`;
    expect(readCrash(log)).toMatchObject({
      title: 'WARNING in ring_fill',
      consequences: [
        {
          title: 'BUG: unable to handle kernel NULL pointer dereference',
          type: 'null-pointer-dereference',
          line: 13,
        },
        { title: 'kernel panic: Fatal exception in interrupt', type: 'panic', line: 31 },
      ],
    });
  });
});

describe('logs as they come', () => {
  const { signature, title } = readCrash(OOPS) ?? {};
  const lines = OOPS.split('\n').slice(0, -1);

  it.each([
    ['with CRLF', OOPS.replaceAll('\n', '\r\n')],
    ['in colours', lines.map((line) => `\x1b[31m${line}\x1b[0m`).join('\n')],
    ['of syslog', lines.map((line) => `Nov 28 19:14:12 web-17 kernel: ${line}`).join('\n')],
    ['of pstore', lines.map((line) => `<1>${line}`).join('\n')],
    [
      'of the journal, without stamps',
      lines.map((line) => `Nov 28 19:14:12 web-17 kernel: ${line.slice(15)}`).join('\n'),
    ],
    ['of netconsole', lines.map((line, i) => `1,${i},${60_000_000 + i},-;${line.slice(15)}`).join('\n')],
    ['without the frames’ addresses’ sizes', OOPS.replaceAll(/\/0x[0-9a-f]+/g, '')],
    ['without its end', lines.slice(0, 16).join('\n')],
  ])('have the same title and signature %s', (_, log) => {
    expect(readCrash(log)).toMatchObject({ signature, title, corrupted: '' });
  });

  it('tell two writers apart where the log says who wrote what', () => {
    const oops = lines.map((line) => line.replace('] ', '][   T77] '));
    const other =
      `WARNING: CPU: 0 PID: 5 at a.c:1 other+0x1/0x2\nCall Trace:\n other+0x1/0x2\n caller+0x3/0x4`
        .split('\n')
        .map((line) => `[   60.000005][    T5] ${line}`);
    const log = oops.flatMap((line, i) => [line, ...(other[i - 3] ? [other[i - 3]] : [])]).join('\n');
    const report = readCrash(log);
    expect(report).toMatchObject({ title, signature });
    expect(report?.frames.map((frame) => frame.function)).not.toContain('other');
  });

  it('are not trusted where a hole may hide the place', () => {
    const [before, after] = [lines.slice(0, 5), lines.slice(9)];
    const report = readCrash([...before, '[... 300 bytes are missing here ...]', ...after].join('\n'), [5]);
    expect(report).toMatchObject({
      title: 'BUG: unable to handle kernel NULL pointer dereference in eth_demo_poll',
      corrupted: 'some of it is missing',
    });
  });

  it('are trusted where the hole is before it, or after the place', () => {
    for (const at of [1, 16]) {
      const log = lines.toSpliced(at, 0, '[... 300 bytes are missing here ...]').join('\n');
      expect(readCrash(log, [at])).toMatchObject({ title, signature, corrupted: '' });
    }
  });

  it('are told as cut where they end too early', () => {
    expect(readCrash(lines.slice(0, 4).join('\n'))).toMatchObject({
      title: 'BUG: unable to handle kernel NULL pointer dereference in corrupted',
      corrupted: 'it has no stack trace',
      place: '',
      guilty: null,
    });
    expect(readCrash('Kernel panic - not syncing: Fatal exception in interrupt')).toMatchObject({
      title: 'kernel panic: Fatal exception in interrupt',
      corrupted: 'what led to it is missing',
    });
  });
});
