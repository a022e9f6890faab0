/**
 * How the kernel begins to tell of each trouble, and what its title is made of. Pure data. Where in its stack the trouble is,
 * is found by blame.ts in the way that a format names.
 */
import type { CrashType } from './types.ts';

/** How the place is found. */
export type Blame =
  | 'stack' // the first frame that is no helper
  | 'stall' // the entry of what keeps running: random frames within it would differ each time
  | 'wait' // what it is that is waited for
  | 'lock' // where the lock is taken that must not be
  | 'caller' // the same, but of a function that only checks, its caller
  | 'access' // the same, of a trace without a head
  | 'data' // the same, but those are passed over as well who only compute upon what they were handed
  | 'safe' // where the lock is taken that must not wait for this one
  | 'owner' // who had the page
  | 'leak' // who asked for what was never freed
  | 'named' // the format's own word
  | 'none'; // there is none

/** What in several types of crash is the same bug: the kernel just came to see it in another way. */
export type BugClass =
  | 'bad-access'
  | 'hang'
  | 'invalid-free'
  | 'memory cgroup out of memory'
  | 'out of memory'
  | 'slab-corruption'
  | 'stack-overflow'
  | 'stall';

export interface Format {
  readonly type: CrashType;
  /** Of the message that begins it. */
  readonly begins: RegExp;
  /** The title without its place; `$1` and so on are the groups of `begins`. */
  readonly title: string;
  readonly blame: Blame;
  readonly bugClass?: BugClass;
  /** The place where blame is 'named': a group of `begins`, and those behind it. */
  readonly place?: number;
  /** Where the first line says which function it was in, not who is to blame for it: a group of `begins`. */
  readonly within?: number;
  /** A later message that names the place, by one of its groups, better than a stack does. */
  readonly named?: RegExp;
  /**
   * What a later message says more exactly; the first that fits counts, within the report, and its groups go by `%1` in its
   * title. Those of the same type as the format may leave it out.
   */
  readonly details?: readonly Detail[];
  /** What a report has that is not cut short, if it is not a stack with a frame to blame. */
  readonly corruptedUnless?: RegExp;
  /** What could begin such a report, but behind its first line is of it. */
  readonly part?: RegExp;
}

export interface Detail extends Partial<Pick<Format, 'type' | 'bugClass'>> {
  readonly says: RegExp;
  readonly title: string;
  /** It says so in the message that follows the first one, or not at all. */
  readonly isNext?: true;
}

const TASK = '.{1,64}';

/** The first that fits a message counts. */
export const formats: readonly Format[] = [
  // The sanitizers.
  {
    type: 'kasan',
    begins: /^BUG: KASAN: (?:double-free or )?((?:double|invalid)-free)\b(?: in ([\w.$]+))?/,
    within: 2,
    title: 'KASAN: $1',
    blame: 'stack',
    bugClass: 'invalid-free',
  },
  {
    type: 'kasan',
    begins: /^BUG: KASAN: (?:maybe )?([a-z-]+)(?: in ([\w.$]+)| in | on address)/,
    within: 2,
    title: 'KASAN: $1',
    blame: 'stack',
    bugClass: 'bad-access',
    details: [{ says: /^(Read|Write) (?:of size|at addr) /, title: 'KASAN: $1 %1' }],
    corruptedUnless: /^(?:Read|Write) (?:of size|at addr) /,
  },
  { type: 'kasan', begins: /^BUG: KASAN: (.{1,100})/, title: 'KASAN: $1', blame: 'none' },
  {
    type: 'kmsan',
    begins: /^BUG: KMSAN: (kernel-\w*-?infoleak[\w-]*)/,
    title: 'KMSAN: $1',
    blame: 'access',
    bugClass: 'bad-access',
  },
  {
    type: 'kmsan',
    begins: /^BUG: KMSAN: ([a-z-]+)/,
    title: 'KMSAN: $1',
    blame: 'data',
    bugClass: 'bad-access',
  },
  {
    type: 'kcsan',
    begins: /^BUG: KCSAN: ((?:assert: |data-)race) in ([\w.$]+)(?: \/ ([\w.$]+))?/,
    title: 'KCSAN: $1',
    blame: 'named',
    place: 2,
  },
  {
    type: 'kfence',
    begins: /^BUG: KFENCE: (invalid free) in /,
    title: 'KFENCE: $1',
    blame: 'access',
    bugClass: 'invalid-free',
  },
  { type: 'kfence', begins: /^BUG: KFENCE: (memory corruption) in /, title: 'KFENCE: $1', blame: 'access' },
  {
    type: 'kfence',
    begins: /^BUG: KFENCE: ([a-z -]+?) in /,
    title: 'KFENCE: $1',
    blame: 'access',
    bugClass: 'bad-access',
  },
  {
    type: 'ubsan',
    begins: /^UBSAN: Undefined behaviour in /,
    title: 'UBSAN: undefined-behaviour',
    blame: 'stack',
  },
  { type: 'ubsan', begins: /^UBSAN: ([a-z][a-z -]+) at /, title: 'UBSAN: $1', blame: 'stack' },
  { type: 'ubsan', begins: /^UBSAN: ([a-z][a-z-]+) in /, title: 'UBSAN: $1', blame: 'stack' },

  // Accesses that the processor refused.
  {
    type: 'null-pointer-dereference',
    begins:
      /^(?:BUG: [Uu]nable to handle kernel|BUG: [Kk]ernel|Unable to handle kernel) NULL pointer dereference/,
    title: 'BUG: unable to handle kernel NULL pointer dereference',
    blame: 'stack',
    bugClass: 'bad-access',
  },
  {
    type: 'page-fault',
    begins:
      /^(?:BUG: )?[Uu]nable to handle (?:kernel (?:paging request|data access|instruction fetch|pointer dereference in virtual kernel|execute from non-executable|read from unreadable|write to read-only)|page fault for address)/,
    title: 'BUG: unable to handle kernel paging request',
    blame: 'stack',
    bugClass: 'bad-access',
  },
  {
    type: 'page-fault',
    begins: /^(?:BUG: )?[Uu]nable to handle kernel access to user memory/,
    title: 'BUG: unable to handle kernel access to user memory',
    blame: 'stack',
    bugClass: 'bad-access',
  },
  {
    type: 'page-fault',
    begins: /^(?:BUG: )?[Uu]nable to handle kernel\b/,
    title: 'BUG: unable to handle kernel',
    blame: 'none',
  },
  {
    type: 'general-protection',
    begins: /^(?:Oops: )?general protection (?:fault|exception)/,
    title: 'general protection fault',
    blame: 'stack',
    bugClass: 'bad-access',
  },
  {
    type: 'page-fault',
    begins: /^Unhandled (?:fault|prefetch abort): (.{1,80}?) \(0x/,
    title: 'Unhandled fault',
    blame: 'stack',
    bugClass: 'bad-access',
  },
  {
    type: 'page-fault',
    begins: /^Unhandled fault\b/,
    title: 'Unhandled fault',
    blame: 'stack',
    bugClass: 'bad-access',
  },
  { type: 'divide-error', begins: /^(?:Oops: )?divide error: /, title: 'divide error', blame: 'stack' },
  { type: 'invalid-opcode', begins: /^(?:Oops: )?invalid opcode: /, title: 'invalid opcode', blame: 'stack' },
  { type: 'invalid-opcode', begins: /^(?:Oops: )?int3: /, title: 'int3', blame: 'stack' },
  {
    type: 'general-protection',
    begins: /^(?:Oops: )?stack segment: /,
    title: 'stack segment fault',
    blame: 'stack',
  },
  {
    type: 'general-protection',
    begins: /^(?:Oops: )?alignment check: /,
    title: 'alignment check',
    blame: 'stack',
  },
  {
    type: 'double-fault',
    begins: /^(?:traps: )?PANIC: double fault/,
    title: 'PANIC: double fault',
    blame: 'stack',
  },
  {
    type: 'double-fault',
    begins: /^(?:Oops: )?double fault: /,
    title: 'PANIC: double fault',
    blame: 'stack',
  },
  {
    type: 'stack-overflow',
    begins: /^BUG: (?:[\w# ]{1,24} )?stack guard page was hit/,
    title: 'BUG: stack guard page was hit',
    blame: 'stall',
    bugClass: 'stack-overflow',
  },
  {
    type: 'stack-overflow',
    begins: /^(?:Insufficient stack space to handle exception|Kernel stack overflow|kernel stack overflow)/i,
    title: 'kernel stack overflow',
    blame: 'stall',
    bugClass: 'stack-overflow',
  },
  {
    type: 'machine-check',
    begins: /^SError Interrupt on CPU\d+/,
    title: 'SError interrupt',
    blame: 'stack',
  },
  {
    type: 'page-fault',
    begins: /^kernel tried to execute NX-protected page/,
    title: 'BUG: unable to handle kernel paging request',
    blame: 'stack',
    bugClass: 'bad-access',
  },
  {
    type: 'invalid-opcode',
    begins: /^PANIC: early exception/,
    title: 'PANIC: early exception',
    blame: 'stack',
  },
  { type: 'bug', begins: /^CFI failure at /, title: 'CFI failure', blame: 'stack' },
  {
    type: 'invalid-opcode',
    begins: /^Bad mode in (.{1,60}?) (?:handler )?detected/,
    title: 'Bad mode',
    blame: 'stack',
  },
  {
    type: 'machine-check',
    begins: /^Internal error: (?:synchronous external abort|.{0,40}SError)/,
    title: 'Internal error',
    blame: 'stack',
  },
  {
    type: 'invalid-opcode',
    begins: /^Internal error: (?:Oops - )?(?:CFI|BTI|FPAC|[Uu]ndefined|BRK|BUG|UBSAN)/,
    title: 'Internal error',
    blame: 'stack',
  },
  {
    type: 'page-fault',
    begins: /^Internal error: .{1,60}: [0-9a-f]{1,16} \[#\d+\]/,
    title: 'Internal error',
    blame: 'stack',
  },

  {
    type: 'page-fault',
    begins: /^(?:Oops: )?Oops(?:: | - )[0-9a-f]{4} \[#\d+\]/,
    title: 'Oops',
    blame: 'stack',
    bugClass: 'bad-access',
  },

  {
    type: 'invalid-opcode',
    begins: /^(?:Oops: )?([\w #-]{3,40}): [0-9a-f]{4} \[#\d+\]/,
    title: '$1',
    blame: 'stack',
  },

  // Checks of the kernel's own.
  {
    type: 'list-corruption',
    begins: /\blist_(?:add|del)(?:_valid)? corruption|^slab.{1,40}: list corruption/,
    title: 'BUG: corrupted list',
    blame: 'stack',
    bugClass: 'bad-access',
  },
  // FORTIFY_SOURCE: until Linux 6.7 a BUG, since then a warning before it.
  {
    type: 'bug',
    begins: /^(?:\w{1,32}: )?detected buffer overflow(?: in \w+|: \d)/,
    title: 'kernel BUG',
    blame: 'stack',
  },
  {
    type: 'bug',
    begins: /^rust_kernel: panicked at /,
    title: 'rust_kernel: panicked',
    blame: 'stack',
    details: [{ says: /^(.{4,120})/, title: '%1', isNext: true }],
  },
  {
    type: 'list-corruption',
    begins: /^kernel BUG at \S{0,200}lib\/list_debug\.c/,
    title: 'BUG: corrupted list',
    blame: 'stack',
    bugClass: 'bad-access',
  },
  {
    type: 'bug',
    begins: /^kernel BUG at \S{0,200}mm\/usercopy\.c/,
    title: 'BUG: bad usercopy',
    blame: 'stack',
  },
  { type: 'bug', begins: /^[Kk]ernel BUG at \S/, title: 'kernel BUG', blame: 'stack' },
  {
    type: 'bad-page',
    begins: /^BUG: Bad page state in process/,
    title: 'BUG: Bad page state',
    blame: 'owner',
  },
  { type: 'bad-page', begins: /^BUG: Bad page map in process/, title: 'BUG: Bad page map', blame: 'none' },
  {
    type: 'bad-page',
    begins: /^BUG: Bad page cache in process/,
    title: 'BUG: Bad page cache',
    blame: 'stack',
  },
  {
    type: 'bad-page',
    begins: /^BUG: Bad rss-counter state/,
    title: 'BUG: Bad rss-counter state',
    blame: 'none',
  },
  {
    type: 'bad-page',
    begins: /^BUG: non-zero (\w+) on freeing mm/,
    title: 'BUG: non-zero $1 on freeing mm',
    blame: 'none',
  },
  {
    type: 'bug',
    begins: /^BUG: Dentry .{0,400} still in use .{0,40}\[unmount of ([^\]]{1,60})\]/,
    title: 'BUG: Dentry still in use [unmount of $1]',
    blame: 'none',
  },
  {
    type: 'bug',
    begins: /^VFS: Busy inodes after unmount of /,
    title: 'VFS: Busy inodes after unmount (use-after-free)',
    blame: 'none',
  },
  {
    type: 'bug',
    begins: /^VFS: Close: file count is (?:0|zero)/,
    title: 'VFS: Close: file count is zero (use-after-free)',
    blame: 'none',
  },
  {
    type: 'slab-corruption',
    begins: /^\[(.{4,40} overwritten)\] 0x[0-9a-f]{1,16}-0x/,
    title: 'BUG: $1',
    blame: 'stack',
    bugClass: 'slab-corruption',
  },
  {
    type: 'slab-corruption',
    begins: /^BUG \S{1,64} \((?:Not t|T)ainted[^)]{0,40}\): (Object already free)/,
    title: 'BUG: $1',
    blame: 'stack',
    bugClass: 'invalid-free',
  },
  {
    type: 'slab-corruption',
    begins: /^BUG \S{1,64} \((?:Not t|T)ainted[^)]{0,40}\): (?!kasan)(.{1,60})/,
    title: 'BUG: $1',
    blame: 'stack',
    bugClass: 'slab-corruption',
  },
  {
    type: 'memory-leak',
    begins: /^(?:BUG: memory leak|unreferenced object 0x)/,
    title: 'memory leak',
    blame: 'leak',
  },

  {
    type: 'bug',
    begins: /^usercopy: [Kk]ernel memory (?:exposure|overwrite) attempt detected/,
    title: 'BUG: bad usercopy',
    blame: 'stack',
  },

  // Locking.
  {
    type: 'lockdep',
    begins:
      /^(?:\[ |)(?:WARNING|INFO|BUG): possible (?:circular locking dependency|recursive locking|irq lock inversion dependency)(?: detected)?/,
    title: 'possible deadlock',
    blame: 'lock',
  },
  {
    type: 'lockdep',
    begins: /^(?:\[ |)(?:WARNING|INFO|BUG): \S+-safe -> \S+-unsafe lock order/,
    title: 'possible deadlock',
    blame: 'safe',
  },
  {
    type: 'lockdep',
    begins: /^(?:\[ |)(?:(?:WARNING|INFO|BUG): )?inconsistent lock state/,
    title: 'inconsistent lock state',
    blame: 'stack',
  },
  {
    type: 'lockdep',
    begins: /^(?:\[ |)BUG: Invalid wait context/,
    title: 'WARNING: locking bug',
    blame: 'stack',
  },
  {
    type: 'lockdep',
    begins: /^(?:\[ |)(WARNING|INFO|BUG): suspicious RCU usage/,
    title: '$1: suspicious RCU usage',
    blame: 'stack',
  },
  {
    type: 'lockdep',
    begins: /^(?:\[ |)(WARNING|INFO|BUG): (bad (?:unlock balance|contention))/,
    title: '$1: $2',
    blame: 'stack',
  },
  {
    type: 'lockdep',
    begins: /^(?:\[ |)(WARNING|INFO|BUG): (lock held when returning to user space|held lock freed)/,
    title: '$1: $2',
    blame: 'lock',
  },
  {
    type: 'lockdep',
    begins: /^(?:\[ |)(WARNING|INFO|BUG): [Nn]ested lock was not taken/,
    title: '$1: nested lock was not taken',
    blame: 'lock',
  },
  {
    type: 'lockdep',
    begins: new RegExp(`^(?:\\[ |)(WARNING|INFO|BUG): ${TASK} still has locks held!`),
    title: '$1: still has locks held',
    blame: 'lock',
  },
  {
    type: 'lockdep',
    begins: /^INFO: trying to register non-static key/,
    title: 'INFO: trying to register non-static key',
    blame: 'stack',
  },
  {
    type: 'lockdep',
    begins: /^BUG: (MAX_\w+ too low!?|looking up invalid subclass|key .{1,60} not in \.data)/,
    title: 'BUG: $1',
    blame: 'none',
  },
  {
    type: 'lockdep',
    begins: /^BUG: (spinlock|rwlock) (.{1,40}?) on CPU#/,
    title: 'BUG: $1 $2',
    blame: 'stack',
  },
  {
    type: 'lockdep',
    begins: /^BUG: workqueue leaked (?:lock or )?atomic/,
    title: 'BUG: workqueue leaked lock or atomic',
    blame: 'stack',
    named: /^\s*last function: ([\w.$]+)|\bworkfn=([\w.$]+)/,
  },
  {
    type: 'lockdep',
    begins: /^BUG: using (\w+)\(\) in preemptible/,
    title: 'BUG: using $1() in preemptible code',
    blame: 'stack',
  },
  {
    type: 'atomic-sleep',
    begins: /^BUG: scheduling while atomic/,
    title: 'BUG: scheduling while atomic',
    blame: 'stack',
  },
  {
    type: 'atomic-sleep',
    begins: /^BUG: sleeping function called from invalid context/,
    title: 'BUG: sleeping function called from invalid context',
    blame: 'stack',
  },

  // What makes no progress.
  {
    type: 'soft-lockup',
    begins: /^(?:NMI )?(?:watchdog: )?BUG: soft lockup/,
    title: 'BUG: soft lockup',
    blame: 'stall',
    bugClass: 'stall',
  },
  {
    type: 'hard-lockup',
    begins: /^(?:NMI )?(?:watchdog: )?(?:(?:CPU\d+: )?Watchdog detected hard LOCKUP|BUG: hard lockup)/,
    title: 'BUG: hard lockup',
    blame: 'stall',
    bugClass: 'stall',
  },
  {
    type: 'workqueue-lockup',
    begins: /^BUG: workqueue lockup/,
    title: 'BUG: workqueue lockup',
    blame: 'none',
  },
  {
    type: 'rcu-stall',
    begins: /^(?:rcu: )?INFO: rcu_\w+ (?:self-)?detected (?:expedited )?stalls?\b/,
    title: 'INFO: rcu detected stall',
    blame: 'stall',
    bugClass: 'stall',
  },
  {
    type: 'hung-task',
    begins: new RegExp(
      `^(?:INFO: task ${TASK}|[^\\[\\]]{0,32}:\\d{1,10}) blocked (?:for more than|in I/O wait for more than) \\d+ s`,
    ),
    title: 'INFO: task hung',
    blame: 'wait',
    bugClass: 'hang',
  },
  {
    type: 'hung-task',
    begins: new RegExp(`^INFO: task ${TASK} can't die for more than`),
    title: "INFO: task can't die",
    blame: 'wait',
    bugClass: 'hang',
  },

  // Warnings.
  {
    type: 'netdev-watchdog',
    begins: /^NETDEV WATCHDOG: \S+ \(([\w-]+)\): transmit queue \d+ timed out/,
    title: 'NETDEV WATCHDOG: transmit queue of $1 timed out',
    blame: 'none',
  },
  {
    type: 'netdev-watchdog',
    begins: /^([\w-]+) \S+ \S+: NETDEV WATCHDOG: CPU: \d+: transmit queue \d+ timed out/,
    title: 'NETDEV WATCHDOG: transmit queue of $1 timed out',
    blame: 'none',
  },
  {
    type: 'warning',
    begins: /^Bad or missing usercopy whitelist\?/,
    title: 'WARNING: bad usercopy',
    blame: 'stack',
  },
  { type: 'warning', begins: /^ODEBUG: /, title: 'WARNING: ODEBUG bug', blame: 'stack' },
  { type: 'lockdep', begins: /^DEBUG_LOCKS_WARN_ON\(/, title: 'WARNING: locking bug', blame: 'stack' },
  {
    type: 'refcount',
    begins: /^refcount_t: .{1,60}\.$/,
    title: 'WARNING: refcount bug',
    blame: 'stack',
  },
  {
    type: 'warning',
    begins:
      /^WARNING: (?:CPU: \d+ PID: \d+ )?at \S{1,300}?\.(?:[chS]|rs):\d+|^WARNING: (?:\[.{1,200}?\] )?\S{1,300}?\.(?:[chS]|rs):\d+ at |^WARNING: CPU: \d+ PID: \d+ at /,
    title: 'WARNING',
    blame: 'caller',
    details: [
      { says: /^WARNING: .{0,40}\blib\/refcount\.c:/, title: 'WARNING: refcount bug', type: 'refcount' },
      {
        says: /^WARNING: .{0,40}\bkernel\/locking\/lockdep\.c:/,
        title: 'WARNING: locking bug',
        type: 'lockdep',
      },
      { says: /^WARNING: .{0,40}\blib\/debugobjects\.c:/, title: 'WARNING: ODEBUG bug' },
      { says: /^WARNING: .{0,40}\bmm\/usercopy\.c:/, title: 'WARNING: bad usercopy' },
      { says: /^WARNING: .{0,40}\blib\/kobject\.c:/, title: 'WARNING: kobject bug' },
      {
        says: /^WARNING: .{0,40}\bfs\/proc\/generic\.c:\d+ (?:at )?proc_register/,
        title: 'WARNING: proc registration bug',
      },
      { says: /^WARNING: .{0,40}\bmm\/\w+\.c:\d+ (?:at )?\w*k\w?malloc/, title: 'WARNING: kmalloc bug' },
      {
        says: /^WARNING: .{0,40}\bmm\/vmalloc\.c:\d+ (?:at )?__vmalloc_node_range/,
        title: 'WARNING: zero-size vmalloc',
      },
    ],
  },
  {
    type: 'warning',
    begins: /^WARNING: (kernel stack regs|kernel stack frame pointer) (?:at|has)/,
    title: 'WARNING: $1 has bad value',
    blame: 'none',
  },
  {
    type: 'warning',
    begins: /^WARNING: stack recursion on /,
    title: 'WARNING: stack recursion',
    blame: 'none',
  },

  // What the machine and the memory manager say.
  {
    type: 'machine-check',
    // An exception, or a status that is uncorrected (bit 61).
    begins:
      /^(?:mce: )?\[Hardware Error\]: CPU \d+: Machine Check(?: Exception: \w+ Bank (\d+)|: \w+ Bank (\d+): [2367abef][0-9a-f]{15})/,
    title: 'machine check in bank $1$2',
    blame: 'none',
  },
  {
    type: 'machine-check',
    // What is corrected is no crash, nor what BERT tells of an earlier boot, without a number.
    begins: /^\{\d+\}\[Hardware Error\]: event severity: (?:fatal|recoverable)/,
    title: 'hardware error told by firmware',
    blame: 'none',
    details: [
      { says: /\[Hardware Error\]:\s+section_type: (.{1,60})/, title: 'hardware error told by firmware: %1' },
    ],
  },
  {
    type: 'out-of-memory',
    begins: /^(?:.{1,16} invoked oom-killer: |Memory cgroup out of memory: Kill|Out of memory: Kill)/,
    title: 'out of memory',
    blame: 'none',
    // Which process was killed is chosen by its users.
    bugClass: 'out of memory',
    part: /^(?:Memory cgroup out|Out) of memory: Kill/,
    details: [
      {
        says: /^Memory cgroup out of memory: Kill\w* process \d+ \((.{1,16})\)/,
        title: 'memory cgroup out of memory: killed %1',
        bugClass: 'memory cgroup out of memory',
      },
      { says: /^Out of memory: Kill\w* process \d+ \((.{1,16})\)/, title: 'out of memory: killed %1' },
    ],
  },
  {
    type: 'other',
    begins: /^unregister_netdevice: waiting for \S+ to become free/,
    title: 'unregister_netdevice: waiting for DEV to become free',
    blame: 'none',
  },

  // The end. Panics whose reason was told before belong to that.
  {
    type: 'stack-overflow',
    begins: /^Kernel panic - not syncing: corrupted stack end detected/,
    title: 'kernel panic: corrupted stack end',
    blame: 'stall',
    bugClass: 'stack-overflow',
  },
  {
    type: 'stack-overflow',
    begins:
      /^Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: (?:\S+ )?([\w.$]+)\+?/,
    title: 'kernel panic: stack is corrupted',
    blame: 'named',
    place: 1,
  },
  {
    type: 'machine-check',
    begins: /^Kernel panic - not syncing: (.{0,40}[Mm]achine check.{0,40})/,
    title: 'kernel panic: $1',
    blame: 'none',
  },
  {
    type: 'panic',
    begins: /^Kernel panic - not syncing: Attempted to kill init!/,
    title: 'kernel panic: Attempted to kill init!',
    blame: 'none',
  },
  {
    type: 'panic',
    begins: /^Kernel panic - not syncing: Couldn't open N_TTY ldisc/,
    title: "kernel panic: Couldn't open N_TTY ldisc",
    blame: 'none',
  },
  {
    type: 'panic',
    begins: /^Kernel panic - not syncing: (.{1,200})/,
    title: 'kernel panic: $1',
    blame: 'none',
  },

  // Whatever else it calls a bug; what it says of processes is none.
  {
    type: 'bug',
    begins:
      /^BUG: (?!.{1,15}(?:\[\d{1,10}\]| ?\(\d{1,10}\)|\/\d{1,10}:|: segfault|: page allocation| invoked oom))(.{4,120})/,
    title: 'BUG: $1',
    blame: 'none',
  },

  // A log of which only the end is left may still say what the panic was.
  {
    type: 'panic',
    begins: /^---\[ end Kernel panic - not syncing: (.{1,200}?) \]---/,
    title: 'kernel panic: $1',
    blame: 'none',
  },

  // What runs beside the kernel and shares its console.
  {
    type: 'other',
    begins: /^trusty: panic \(caller 0x[0-9a-f]{1,16}\): (?!ASSERT)(.{1,120})/,
    title: 'trusty: panic: $1',
    blame: 'none',
  },
  { type: 'other', begins: /^SYZFAIL: (.{1,100})/, title: 'SYZFAIL: $1', blame: 'none' },
  {
    type: 'other',
    begins:
      /^(?:trusty: )?(?:panic .{0,40}: |0x[0-9a-f]{1,16}\): )?ASSERT FAILED(?: at \(.{1,120}?\))?: (.{1,120})/,
    title: 'trusty: ASSERT FAILED: $1',
    blame: 'none',
  },
  {
    type: 'other',
    begins: /^(?:runtime stack:|goroutine \d+ \[.{1,40}\]:)$/,
    title: 'go runtime error',
    blame: 'none',
  },
];
