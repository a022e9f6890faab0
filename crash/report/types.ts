/**
 * The types of crashes, by names of the field, each with what it means. Pure.
 */

export interface CrashTypeMeaning {
  /** What it is called in a heading. */
  readonly title: string;
  /** What the kernel found, in a sentence or two. */
  readonly meaning: string;
  /** Whether the kernel usually goes on. */
  readonly survived: boolean;
}

export const crashTypes = {
  'null-pointer-dereference': {
    title: 'NULL pointer dereference',
    meaning:
      'The kernel read, wrote or jumped to an address near 0: a pointer was never set, or was cleared too early.',
    survived: false,
  },
  'page-fault': {
    title: 'page fault in the kernel',
    meaning:
      'The kernel used an address at which nothing is mapped, or not for that use: a wild or stale pointer.',
    survived: false,
  },
  'general-protection': {
    title: 'general protection fault',
    meaning:
      'The processor refused an access, most often to an address that cannot be one: a corrupted or freed pointer.',
    survived: false,
  },
  'double-fault': {
    title: 'double fault',
    meaning:
      'A fault came while the processor began to handle another one; often the kernel stack had run out.',
    survived: false,
  },
  'stack-overflow': {
    title: 'kernel stack overflow',
    meaning: 'A call chain was deeper than the kernel stack, or wrote beyond its part of it.',
    survived: false,
  },
  'divide-error': {
    title: 'divide error',
    meaning: 'The kernel divided by zero, or a quotient was too large for its register.',
    survived: false,
  },
  'invalid-opcode': {
    title: 'invalid instruction or trap',
    meaning: 'The processor met an instruction that it could not carry out, or a trap that nobody had set.',
    survived: false,
  },
  bug: {
    title: 'kernel BUG',
    meaning: 'The kernel checked what must always hold (BUG_ON, or a check of its own) and it did not.',
    survived: false,
  },
  panic: {
    title: 'kernel panic',
    meaning: 'The kernel stopped because it, or its administrator, had decided that it cannot go on.',
    survived: false,
  },
  warning: {
    title: 'warning',
    meaning: 'The kernel checked what should always hold (WARN_ON) and it did not; it went on.',
    survived: true,
  },
  'bad-page': {
    title: 'bad page or memory map',
    meaning: "The memory manager's own records of a page or of a process's memory contradict each other.",
    survived: true,
  },
  'list-corruption': {
    title: 'list corruption',
    meaning: 'The neighbours of a list entry do not point back at it: it was removed twice, or overwritten.',
    survived: false,
  },
  refcount: {
    title: 'reference count out of bounds',
    meaning:
      'A reference count was raised from 0, fell below it, or overflowed: an object is or will be used after it was freed.',
    survived: true,
  },
  'slab-corruption': {
    title: 'slab corruption',
    meaning: 'The allocator found that memory around or in a freed object had been written to.',
    survived: true,
  },
  kasan: {
    title: 'invalid memory access (KASAN)',
    meaning: 'The address sanitizer saw an access to memory that was freed or that is out of its object.',
    survived: true,
  },
  kmsan: {
    title: 'use of uninitialised memory (KMSAN)',
    meaning:
      'The memory sanitizer saw a decision made by, or sent outside, memory that nobody had written to.',
    survived: true,
  },
  kcsan: {
    title: 'data race (KCSAN)',
    meaning: 'Two CPUs used the same memory at once, one of them wrote, and nothing ordered them.',
    survived: true,
  },
  kfence: {
    title: 'invalid memory access (KFENCE)',
    meaning: 'The sampling detector saw an access to memory that was freed or that is out of its object.',
    survived: true,
  },
  ubsan: {
    title: 'undefined behaviour (UBSAN)',
    meaning: 'A shift, an index or an arithmetic was outside what C defines.',
    survived: true,
  },
  'memory-leak': {
    title: 'memory leak',
    meaning: 'kmemleak found memory that nothing points to any more.',
    survived: true,
  },
  'soft-lockup': {
    title: 'soft lockup',
    meaning: 'A CPU ran in the kernel for tens of seconds without letting another task have it.',
    survived: true,
  },
  'hard-lockup': {
    title: 'hard lockup',
    meaning: 'A CPU took no interrupt for some ten seconds.',
    survived: false,
  },
  'rcu-stall': {
    title: 'RCU stall',
    meaning:
      'A CPU or a task has not passed a quiescent state for so long that memory waits to be freed behind it.',
    survived: true,
  },
  'hung-task': {
    title: 'hung task',
    meaning: 'A task has waited for minutes and cannot be interrupted: for a lock, for I/O, for a device.',
    survived: true,
  },
  'workqueue-lockup': {
    title: 'workqueue lockup',
    meaning:
      'A pool of kernel workers made no progress for tens of seconds: one work item keeps all others waiting.',
    survived: true,
  },
  'atomic-sleep': {
    title: 'sleep in atomic context',
    meaning:
      'Code that must not wait (it holds a spinlock, or runs in an interrupt) called something that may.',
    survived: true,
  },
  lockdep: {
    title: 'locking rule broken',
    meaning:
      'Locks were taken in an order, or in a context, that can deadlock, or were not held where they must be.',
    survived: true,
  },
  'out-of-memory': {
    title: 'out of memory',
    meaning: 'The host or a memory control group had no memory left, and the kernel killed a process.',
    survived: true,
  },
  'machine-check': {
    title: 'machine check',
    meaning: 'The hardware reported an error of a processor, of memory or of a bus.',
    survived: false,
  },
  'netdev-watchdog': {
    title: 'transmit queue timeout',
    meaning:
      'A network device did not send anything from a full queue for seconds: its driver, firmware or link hangs.',
    survived: true,
  },
  reboot: {
    title: 'unexpected reboot',
    meaning: 'The log goes on with another boot, and nothing before it says why.',
    survived: false,
  },
  other: {
    title: 'other trouble',
    meaning: 'The kernel, or what runs beside it, told of trouble that has no type of its own.',
    survived: true,
  },
} as const satisfies Readonly<Record<string, CrashTypeMeaning>>;

export type CrashType = keyof typeof crashTypes;
