/**
 * Trouble of all the kinds that Debian's kernels can be brought into and tell of: what makes each happen, in a guest that
 * has the module of crash-module/. Knows nothing of what becomes of their reports.
 */
import { provoke, softLockup } from './crashes.ts';
import { type Branch, branches } from './packages.ts';

export interface Trouble {
  readonly name: string;
  /** What makes it happen, of /bin/sh. The shell may die of it. */
  readonly script: string;
  /** Whether the kernel ends with it. */
  readonly isFatal: boolean;
  /** Who can have it. */
  readonly kernels: readonly Branch[];
}

/**
 * In this order: those that are survived share a boot, and what an earlier one does to it. After an oops, for one, panics
 * come without a stack.
 */
export const troubles: readonly Trouble[] = [
  fatal('panic', 'echo c >/proc/sysrq-trigger'),
  ...['driver-panic', 'stack-overflow', 'stack-protector', 'stack-end', 'timer-bug'].map((name) =>
    fatal(name, provoke(name)),
  ),
  fatal('soft-lockup', softLockup),
  fatal('out-of-memory-panic', 'echo 1 >/proc/sys/vm/panic_on_oom; exec tail /dev/zero'),
  // All that PID 1 could go on with becomes zeros, which fault.
  fatal(
    'init-killed',
    `grep ' r-xp .*/' /proc/1/maps | while read -r range rest; do
      first=$((0x\${range%-*} / 4096)) end=$((0x\${range#*-} / 4096))
      dd if=/dev/zero of=/proc/1/mem bs=4096 seek=$first count=$((end - first)) conv=notrunc
    done
    kill -CHLD 1; sleep 60`,
  ),
  survived(
    'cgroup-out-of-memory',
    `echo +memory >/sys/fs/cgroup/cgroup.subtree_control
    mkdir /sys/fs/cgroup/small
    echo 32M >/sys/fs/cgroup/small/memory.max
    echo 0 >/sys/fs/cgroup/small/cgroup.procs
    exec tail /dev/zero`,
  ),
  survived('out-of-memory', 'exec tail /dev/zero'),
  ...['warn-on', 'refcount-zero', 'refcount-underflow', 'field-overflow', 'atomic-sleep'].map((name) =>
    survived(name, provoke(name)),
  ),
  ...['hung-task', 'hung-task-mutex'].map((name) =>
    survived(
      name,
      `echo 1 >/proc/sys/kernel/hung_task_warnings
      ${during('/proc/sys/kernel/hung_task_timeout_secs', 5, 120, provoke(name))}`,
    ),
  ),
  survived(
    'rcu-stall',
    during('/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout', 3, 21, provoke('rcu-stall')),
  ),
  survived(
    'soft-lockup-work',
    during('/proc/sys/kernel/watchdog_thresh', 2, 10, provoke('soft-lockup-work')),
  ),
  // What the allocators see, and mend.
  ...['slab-double-free', 'slab-overflow', 'slab-use-after-free', 'bad-page'].map((name) =>
    survived(name, provoke(name)),
  ),
  ...['kfence-use-after-free', 'kfence-out-of-bounds', 'kfence-double-free'].map((name) => ({
    ...survived(name, during('/sys/module/kfence/parameters/sample_interval', 1, 0, provoke(name))),
    // Debian's 6.1 has no KFENCE.
    kernels: ['6.12'] as const,
  })),
  // What ends the process.
  ...[
    ...['null-dereference', 'null-write', 'null-call', 'data-call', 'wild-pointer', 'unmapped'],
    ...['read-only', 'user-memory', 'bug', 'divide', 'invalid-opcode', 'list-add', 'list-del'],
    ...['buffer-overflow', 'usercopy', 'double-free'],
  ].map((name) => survived(name, provoke(name))),
];

/** A script during which a parameter of the kernel is another than usually. */
function during(path: string, value: number, usual: number, script: string): string {
  return `echo ${value} >${path}\n${script}\necho ${usual} >${path}`;
}

function survived(name: string, script: string): Trouble {
  return { name, script, isFatal: false, kernels: branches };
}

function fatal(name: string, script: string): Trouble {
  return { name, script, isFatal: true, kernels: branches };
}
