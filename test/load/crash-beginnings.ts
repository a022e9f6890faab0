/**
 * How the kernel begins to tell of each type of crash, as its own code has it. For fuzzing and benchmarks; knows no parser.
 */
import type { CrashType } from '@netfall/crash';

/** A message, without what consoles put before it, or several; and the type of crash that they begin. */
export const crashBeginnings: readonly (readonly [CrashType, string])[] = [
  [
    'kasan',
    'BUG: KASAN: double-free in kfree_skb+0x12/0x34\nDouble free at addr ffff888012345678 by task sh/77',
  ],
  [
    'kasan',
    'BUG: KASAN: slab-use-after-free in tun_chr_close+0x12/0x34\nWrite of size 8 at addr ffff888012345678 by task sh/77',
  ],
  ['kasan', 'BUG: KASAN: null-ptr-deref on address 0000000000000008\nRead of size 4 by task syz/1'],
  ['kmsan', 'BUG: KMSAN: uninit-value in ip_rcv+0x12/0x34'],
  ['kmsan', 'BUG: KMSAN: kernel-infoleak in _copy_to_user+0x12/0x34'],
  ['kcsan', 'BUG: KCSAN: data-race in tcp_poll / tcp_recvmsg'],
  ['kfence', 'BUG: KFENCE: use-after-free read in bond_open+0x12/0x34'],
  ['kfence', 'BUG: KFENCE: memory corruption in bond_open+0x12/0x34'],
  [
    'ubsan',
    'UBSAN: shift-out-of-bounds in net/core/dev.c:1234:21\nshift exponent 64 is too large for 32-bit type',
  ],
  ['ubsan', 'UBSAN: Undefined behaviour in net/core/dev.c:1234:21'],
  [
    'null-pointer-dereference',
    'BUG: kernel NULL pointer dereference, address: 0000000000000040\nOops: 0002 [#1] SMP',
  ],
  [
    'null-pointer-dereference',
    'Unable to handle kernel NULL pointer dereference at virtual address 0000000000000040',
  ],
  ['page-fault', 'BUG: unable to handle page fault for address: ffffdc0000000000'],
  ['page-fault', 'Unable to handle kernel paging request at virtual address dfff800000000000'],
  ['page-fault', 'Internal error: Oops: 96000006 [#1] PREEMPT SMP'],
  ['page-fault', 'Unhandled fault: alignment exception (0x001) at 0xbf000001'],
  [
    'general-protection',
    'general protection fault, probably for non-canonical address 0xdffffc0000000000: 0000 [#1] SMP',
  ],
  ['general-protection', 'Oops: stack segment: 0000 [#1] SMP'],
  ['double-fault', 'traps: PANIC: double fault, error_code: 0x0'],
  [
    'stack-overflow',
    'BUG: TASK stack guard page was hit at 00000000e3f3a3ba (stack is 000000002b5fb5f5..00000000d8b1d1f2)',
  ],
  [
    'stack-overflow',
    'Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: dev_open+0x12/0x34',
  ],
  ['divide-error', 'Oops: divide error: 0000 [#1] PREEMPT SMP'],
  ['invalid-opcode', 'invalid opcode: 0000 [#1] PREEMPT SMP'],
  ['invalid-opcode', 'Bad mode in Error handler detected on CPU1, code 0xbf000000 -- SError'],
  ['bug', 'kernel BUG at net/core/skbuff.c:110!\ninvalid opcode: 0000 [#1] PREEMPT SMP'],
  ['bug', 'usercopy: Kernel memory exposure attempt detected from SLUB object (offset 0, size 64)!'],
  [
    'bug',
    'rust_kernel: panicked at drivers/net/phy/qt2025.rs:39:1:\nindex out of bounds: the len is 3 but the index is 7',
  ],
  ['bug', 'BUG: some driver is at the end of its wits, 42 times'],
  ['panic', 'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)'],
  ['panic', 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b'],
  ['bad-page', 'BUG: Bad page state in process sh  pfn:12345'],
  ['bad-page', 'BUG: Bad rss-counter state mm:00000000f1e2d3c4 type:MM_ANONPAGES val:1'],
  ['list-corruption', 'list_del corruption. prev->next should be ffff888012345678, but was dead000000000100'],
  ['list-corruption', 'kernel BUG at lib/list_debug.c:53!'],
  ['slab-corruption', 'BUG kmalloc-64 (Not tainted): Redzone overwritten'],
  ['memory-leak', 'BUG: memory leak\nunreferenced object 0xffff888012345678 (size 64):\n  backtrace:'],
  [
    'lockdep',
    'WARNING: possible circular locking dependency detected\nsh/77 is trying to acquire lock:\nffff888012345678 (rtnl_mutex){+.+.}-{3:3}, at: rtnl_lock+0x12/0x34',
  ],
  ['lockdep', 'WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected'],
  ['lockdep', 'WARNING: inconsistent lock state'],
  ['lockdep', 'WARNING: suspicious RCU usage\nnet/core/dev.c:1234 suspicious rcu_dereference_check() usage!'],
  ['lockdep', 'WARNING: sh/77 still has locks held!'],
  ['lockdep', 'BUG: spinlock bad magic on CPU#1, sh/77'],
  ['lockdep', 'BUG: using smp_processor_id() in preemptible [00000000] code: sh/77'],
  [
    'lockdep',
    'BUG: workqueue leaked lock or atomic: kworker/1:1/0x00000001/46\n     last function: sync_hw_clock',
  ],
  ['atomic-sleep', 'BUG: scheduling while atomic: sh/77/0x00000002'],
  ['atomic-sleep', 'BUG: sleeping function called from invalid context at mm/slab.h:421'],
  ['soft-lockup', 'watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [sh:77]'],
  ['hard-lockup', 'NMI watchdog: Watchdog detected hard LOCKUP on cpu 1'],
  ['workqueue-lockup', 'BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 32s!'],
  [
    'rcu-stall',
    'rcu: INFO: rcu_preempt self-detected stall on CPU\nrcu: \t1-....: (10499 ticks this GP) idle=4ea/1/0x4000000000000000',
  ],
  ['hung-task', 'INFO: task sh:23119 blocked for more than 120 seconds.'],
  ['hung-task', "INFO: task sh:23119 can't die for more than 143 seconds."],
  ['netdev-watchdog', 'NETDEV WATCHDOG: eth0 (e1000): transmit queue 0 timed out'],
  [
    'refcount',
    'refcount_t: underflow; use-after-free.\nWARNING: CPU: 1 PID: 77 at lib/refcount.c:28 refcount_warn_saturate+0x12/0x34',
  ],
  ['warning', 'WARNING: CPU: 1 PID: 77 at net/core/dev.c:1234 dev_queue_xmit+0x12/0x34 [bonding]'],
  ['warning', 'WARNING: net/core/dev.c:1234 at dev_queue_xmit+0x12/0x34, CPU#1: sh/77'],
  [
    'warning',
    'ODEBUG: free active (active state 0) object type: timer_list hint: delayed_work_timer_fn+0x0/0x40',
  ],
  ['machine-check', 'mce: [Hardware Error]: CPU 1: Machine Check Exception: 5 Bank 4: b200000000070f0f'],
  [
    'machine-check',
    '{1}[Hardware Error]: event severity: fatal\n{1}[Hardware Error]:   section_type: memory error',
  ],
  [
    'out-of-memory',
    'sh invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0\nOut of memory: Killed process 77 (sh) total-vm:1kB',
  ],
  ['other', 'unregister_netdevice: waiting for eth0 to become free. Usage count = 2'],
  [
    'reboot',
    '[  500.000000] usb 1-1: new high-speed USB device number 5\n[    0.000000] Linux version 6.12.9 (gcc)',
  ],
];
