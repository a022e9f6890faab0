/**
 * Which frame of which trace is to blame. Pure. What a report's title makes of it is name.ts's business.
 */
import type { Trace } from './body.ts';
import type { Blame } from './formats.ts';
import { helperKind, isCrypto, isMaker } from './helpers.ts';
import type { Message } from './lines.ts';
import type { Frame } from './report.ts';
import { plainFunction } from './signature.ts';

export interface Blamed {
  /** The trace that tells where, with why frames of it are passed over. */
  readonly frames: readonly Frame[];
  /** An index of frames; null when none is to blame. */
  readonly guilty: number | null;
  /** The function to blame when it is known and no frame is it. */
  readonly place?: string;
}

const NOBODY: Blamed = { frames: [], guilty: null };

/**
 * Finds it in the way that the format of the report names.
 * @param within the function in which it was noticed, where the report says so: a trace without it is of somebody else, who
 * wrote at the same time
 */
export function blame(
  how: Blame,
  traces: readonly Trace[],
  body: readonly Message[],
  within?: string | undefined,
): Blamed {
  const all = traces.filter(({ kind }) => kind === 'call');
  const calls = within === undefined ? all : all.filter(({ frames }) => has(frames, within));
  if (
    all.length > 0 &&
    calls.length === 0 &&
    within !== undefined &&
    helperKind(plainFunction(within)) === ''
  )
    return { ...NOBODY, place: within };
  const bare = traces.filter(({ kind }) => kind === 'access');
  const told = [...calls, ...bare];
  switch (how) {
    case 'none':
    case 'named':
      return marked(told[0], null);
    case 'lock':
      return lockOf(told, traces, body);
    case 'safe':
      return first([...traces.filter(({ head }) => /-safe at:$/.test(head)), ...calls], innermost);
    case 'stall':
      return first(told, entryOf);
    case 'wait':
      return first(before(told, body), waited);
    case 'leak':
      return first(told, (frames, all) => innermost(frames, all, isMaker));
    // The trace of these has no head, and what follows with one is only how the sanitizer came to end the kernel.
    case 'access':
      return first([...bare, ...calls], (frames, all) => innermost(frames, all, isChecking));
    case 'data':
      return first([...bare, ...calls], (frames, all) => innermost(frames, all, isCrypto));
    case 'owner':
      return first(
        [...traces.filter(({ head }) => head.startsWith('page last allocated')), ...calls],
        innermost,
      );
    case 'caller':
      return throughApi(first(told, innermost));
    case 'stack':
      return first(told, innermost);
  }
}

/** Functions that check what drivers hand them, and warn of it: it is the driver that is to blame. */
const CHECKING = /^usb_submit_urb$/;

function isChecking(name: string): boolean {
  return CHECKING.test(name);
}

/** Blames who called a function that only checks: "aiptek_open/usb_submit_urb". */
function throughApi(blamed: Blamed): Blamed {
  const { frames, guilty } = blamed;
  if (guilty === null || !isChecking(nameAt(frames, guilty))) return blamed;
  const caller = usable(frames, false).find((i) => i > guilty && helperKind(nameAt(frames, i)) === '');
  if (caller === undefined) return blamed;
  const place = `${nameAt(frames, caller)}/${nameAt(frames, guilty)}`;
  return { ...marked({ kind: 'call', head: '', frames }, caller), place };
}

/** What the kernel tells besides, once it has told of the task that waits. */
const BESIDES = /^(?:Showing all locks held|NMI backtrace for|Sending NMI|INFO: task )/;

function before(traces: readonly Trace[], body: readonly Message[]): readonly Trace[] {
  const end = body.find(({ text }, i) => i > 0 && BESIDES.test(text))?.line ?? Number.POSITIVE_INFINITY;
  return traces.filter(({ frames }) => frames[0]!.line < end);
}

function has(frames: readonly Frame[], name: string): boolean {
  return frames.some((frame) => frame.function === name);
}

type Find = (frames: readonly Frame[], all: boolean) => number | null;

/** The first trace in which something is to blame that was surely called; else in which something is at all. */
function first(traces: readonly Trace[], find: Find): Blamed {
  for (const all of [false, true]) {
    for (const trace of traces) {
      const found = find(trace.frames, all);
      if (found !== null) return marked(trace, found);
    }
  }
  // Nothing but helpers: the first that is not only of the report itself.
  for (const trace of traces) {
    const trap = usable(trace.frames, false).find((i) => helperKind(nameAt(trace.frames, i)) === 'trap');
    if (trap !== undefined) return marked(trace, trap);
  }
  return marked(traces[0], null);
}

function marked(trace: Trace | undefined, guilty: number | null): Blamed {
  if (!trace) return NOBODY;
  const end = guilty ?? 0;
  const frames = trace.frames.map((frame, i) => (i < end ? { ...frame, passed: whyNot(frame) } : frame));
  return { frames, guilty };
}

function whyNot(frame: Frame): string {
  if (!frame.reliable) return 'not surely called';
  return helperKind(plainFunction(frame.function)) || 'within';
}

/**
 * The frames that may be blamed: not what was inlined, which only symbolised logs tell.
 * @param all also those of which it is not sure that they were called, as of kernels without an unwinder
 */
function usable(frames: readonly Frame[], all: boolean): readonly number[] {
  return [...frames.keys()].filter((i) => !frames[i]!.inline && (all || frames[i]!.reliable));
}

function nameAt(frames: readonly Frame[], i: number): string {
  return plainFunction(frames[i]!.function);
}

/** The innermost frame that is no helper, nor passed over for what the report is of. */
function innermost(
  frames: readonly Frame[],
  all: boolean,
  passed: (name: string) => boolean = () => false,
): number | null {
  const isToBlame = (i: number) => {
    const name = nameAt(frames, i);
    return helperKind(name) === '' && !passed(name);
  };
  return usable(frames, all).find(isToBlame) ?? null;
}

/** How an interrupt, and the tick above all, came upon what ran. */
const INTERRUPT =
  /^(?:(?:asm_)?(?:sysvec|common)_\w*interrupt|(?:smp_|trace_|smp_trace_)?apic_timer_interrupt|el1h?_(?:64_)?irq\w*|__irq_svc|(?:asm_)?exc_nmi\w*|end_repeat_nmi|nmi|ret_from_intr|handle_irq\w*|el1_interrupt|reschedule_interrupt|retint_\w+|call_on_irq_stack|gic_handle_irq)$/;
/** What runs in an interrupt's wake, for as long as it likes. */
const SOFTIRQ =
  /^(?:__do_softirq|do_softirq\w*|handle_softirqs|run_timer_softirq|net_rx_action|tasklet_action\w*)$/;
/** What hands work to others: of what it called, the part that was reached last is what goes on and on. */
const ANCHORS =
  /^(?:process_one_work|do_syscall_\w+|do_fast_syscall\w*|do_int80\w*|entry_\w+|(?:x64|ia32)_sys_call|sysenter_\w+|tracesys\w*|el0_svc\w*|invoke_syscall|ret_fast_syscall|stub_\w+|\w*netif_receive_skb\w*|__do_softirq|do_softirq\w*|handle_softirqs|call_timer_fn|expire_timers|_*run_timer\w*|_*hrtimer_run\w*|_*run_hrtimer|run_ksoftirqd|smpboot_thread_fn|kthread|ret_from_fork\w*|start_secondary|cpu_startup_entry|sock_sendmsg\w*|sock_recvmsg\w*|kernfs_fop_(?:read|write)\w*|sysfs_kf_\w+|full_proxy_\w+|debugfs_attr_\w+|simple_attr_\w+|kernfs_seq_\w+|(?:dev|module|param|kobj|class|bus|drv)_attr_(?:store|show)|seq_read\w*|proc_(?:reg|sys)_\w+|sock_common_\w+|do_dentry_open|vfs_open|(?:__\w+_)?(?:compat_)?sys_ioctl|ksys_ioctl|SyS_ioctl|compat_SyS_ioctl|\w*compat_ioctl|_*sys_[sg]etsockopt|do_sock_[sg]etsockopt|\w*netlink_rcv_(?:skb|msg)|netlink_dump|genl_(?:family_)?rcv\w*|_*vfs_(?:read|write|readv|writev|iter_\w+|ioctl|fsync\w*|fallocate|splice\w*|readf|writef)|__kernel_(?:read|write)\w*|do_iter_\w+|new_sync_\w+|security_file_ioctl|do_vfs_ioctl|mmap_region|__do_fault|do_(?:shared|read|cow)_fault|smp_call_function\w*|tasklet_action\w*|rcu_(?:do_batch|core\w*|process_callbacks)|task_work_run|__fput|do_exit|exit_to_user\w*|irq_exit\w*|worker_thread|generic_handle_irq\w*|handle_irq_event\w*)$/;

/**
 * Of a stack that keeps running, the entry to what runs: the frame before the first that hands work to others. Where nothing
 * but helpers runs, the innermost of them.
 */
function entryOf(frames: readonly Frame[], all: boolean): number | null {
  const indices = usable(frames, all);
  const names = indices.map((i) => nameAt(frames, i));
  const from = interruptedFrom(names);
  let last: number | null = null;
  for (let k = from; k < indices.length; k++) {
    const name = names[k]!;
    if (ANCHORS.test(name)) {
      if (name.startsWith('smp_call_function')) return indices[k]!;
      if (last !== null) return last;
      if (k > from) return indices[from]!;
    } else if (helperKind(name) === '') last = indices[k]!;
  }
  return last;
}

/** How many of the first frames are of the interrupt by which the detector came, rather than of what it came upon. */
function interruptedFrom(names: readonly string[]): number {
  const first = names.findIndex((name) => INTERRUPT.test(name));
  if (first < 0 || names.slice(0, first).some((name) => SOFTIRQ.test(name))) return 0;
  let next = first + 1;
  while (next < names.length && INTERRUPT.test(names[next]!)) next++;
  return next < names.length ? next : 0;
}

/** What waits, whatever it waits for. */
const WAITING =
  /^(?:_*schedule(?:_\w+)?|io_schedule\w*|context_switch|_*wait_(?:for|on)_\w+|do_wait_for_common|_*wait_for_common\w*|wait_woken|prepare_to_\w+|_*bit_wait\w*|out_of_line_\w+|rwsem_\w+|_*down_\w*|__switch_to|__cond_resched\w*|congestion_wait|sleep_on\w*|__wait_rcu_gp|do_wait_\w+|_*rt_mutex_\w+|request_wait_answer|schedule_hrtimeout\w*|usleep\w*|msleep\w*|(?:raw_)?__sched_text_start|bdi_split_work\w*|_*mutex_lock\w*|percpu_rwsem_wait|jiffies_\w+|folio_wait_\w+|d_alloc_parallel_wait|autoremove_\w+|_*folio_lock\w*|_*lock_page\w*|_*lock_buffer|wait_transaction_locked)$/;

/** The frame that asked to wait. */
function waited(frames: readonly Frame[], all: boolean): number | null {
  return (
    usable(frames, all).find((i) => {
      const name = nameAt(frames, i);
      return helperKind(name) === '' && !WAITING.test(name);
    }) ?? null
  );
}

/** "… is trying to acquire lock:" and what follows; and ", at: func+0x1/0x2" of the lock. */
const ACQUIRES =
  /(?:is trying to (?:acquire|release|contend) lock|just changed the state of lock|takes:|is leaving the kernel with locks still held|is trying to lock:|is freeing memory |\d locks? held by )/;
const AT = /, at: (?:\[<[0-9a-f]+>\] )?([A-Za-z_$][\w.$]{0,199})\+0x/;

/** Where the lock is taken: by lockdep's own word, or as far up from there as it is only a helper. */
function lockOf(told: readonly Trace[], traces: readonly Trace[], body: readonly Message[]): Blamed {
  const begin = body.findIndex(({ text }) => ACQUIRES.test(text));
  const at = begin < 0 ? undefined : atOf(body.slice(begin, begin + 8));
  // A work item that is waited for: the place is where it is, the first dependency.
  if (at === 'process_one_work') {
    const waits = first(traces.filter(({ kind }) => kind === 'lock').slice(0, 1), innermost);
    if (waits.guilty !== null) return waits;
  }
  const trace = told[0];
  const frames = trace?.frames ?? [];
  const indices = usable(frames, false);
  const from = at === undefined ? -1 : indices.findIndex((i) => nameAt(frames, i) === at);
  if (at !== undefined && from < 0 && helperKind(at) === '') return { ...marked(trace, null), place: at };
  const found = indices.slice(Math.max(0, from)).find((i) => helperKind(nameAt(frames, i)) === '');
  return marked(trace, found ?? null);
}

function atOf(messages: readonly Message[]): string | undefined {
  for (const { text } of messages) {
    const name = AT.exec(text)?.[1];
    if (name !== undefined) return plainFunction(name);
  }
  return undefined;
}
