/**
 * Which frame of which trace is to blame. Pure. What a report's title makes of it is name.ts's business.
 */
import type { Trace } from './body.ts';
import type { Blame } from './formats.ts';
import { helperKind } from './helpers.ts';
import type { Message } from './lines.ts';
import type { Frame } from './report.ts';
import { plainFunction } from './signature.ts';

export interface Blamed {
  /** The trace that tells where, with why frames of it are passed over. */
  readonly frames: readonly Frame[];
  /** An index of frames; null when none is to blame. */
  readonly guilty: number | null;
}

const NOBODY: Blamed = { frames: [], guilty: null };

/** Finds it in the way that the format of the report names. */
export function blame(how: Blame, traces: readonly Trace[], body: readonly Message[]): Blamed {
  const calls = traces.filter(({ kind }) => kind === 'call' || kind === 'access');
  if (how === 'none' || how === 'named') return marked(calls[0], null);
  if (how === 'leak') return first(calls, inner);
  if (how === 'lock') return lockOf(calls, body);
  if (how === 'stall') return first(calls, entryOf);
  if (how === 'wait') return first(calls, waited);
  return first(calls, inner);
}

/** The first trace in which something is to blame. */
function first(traces: readonly Trace[], find: (frames: readonly Frame[]) => number | null): Blamed {
  for (const trace of traces) {
    const found = find(trace.frames);
    if (found !== null) return marked(trace, found);
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

/** Where a trace has no frame that is surely called, as of kernels without an unwinder, all of them count. */
function usable(frames: readonly Frame[]): readonly number[] {
  const sure = [...frames.keys()].filter((i) => frames[i]!.reliable);
  return sure.length > 0 ? sure : [...frames.keys()];
}

function nameAt(frames: readonly Frame[], i: number): string {
  return plainFunction(frames[i]!.function);
}

/** The innermost frame that is no helper. */
function inner(frames: readonly Frame[]): number | null {
  return usable(frames).find((i) => helperKind(nameAt(frames, i)) === '') ?? null;
}

/** How an interrupt, and the tick above all, came upon what ran. */
const INTERRUPT =
  /^(?:(?:asm_)?(?:sysvec|common)_\w*interrupt|(?:smp_|trace_|smp_trace_)*apic_timer_interrupt|el1h?_(?:64_)?irq\w*|__irq_svc|(?:asm_)?exc_nmi\w*|end_repeat_nmi|nmi|ret_from_intr|handle_irq\w*|el1_interrupt|reschedule_interrupt|retint_\w+|call_on_irq_stack|gic_handle_irq)$/;
/** What hands work to others: of what it called, the part that was reached last is what goes on and on. */
const ANCHORS =
  /^(?:process_one_work|do_syscall_\w+|do_fast_syscall\w*|do_int80\w*|entry_\w+|sysenter_\w+|tracesys\w*|el0_svc\w*|invoke_syscall|ret_fast_syscall|stub_\w+|\w*netif_receive_skb\w*|__do_softirq|do_softirq\w*|handle_softirqs|call_timer_fn|expire_timers|_*run_timer\w*|_*hrtimer_run\w*|_*run_hrtimer|run_ksoftirqd|smpboot_thread_fn|kthread|ret_from_fork\w*|start_secondary|cpu_startup_entry|sock_sendmsg\w*|sock_recvmsg\w*|\w*sock_(?:set|get)sockopt|\w*netlink_rcv_(?:skb|msg)|netlink_dump|genl_(?:family_)?rcv\w*|(?:__)?vfs_\w+|do_iter_\w+|new_sync_\w+|security_file_ioctl|do_vfs_ioctl|mmap_region|__do_fault|do_(?:shared|read|cow)_fault|handle_mm_fault|smp_call_function\w*|tasklet_action\w*|rcu_(?:do_batch|core\w*|process_callbacks)|task_work_run|__fput|do_exit|exit_to_user\w*|irq_exit\w*|worker_thread|generic_handle_irq\w*|handle_irq_event\w*)$/;

/**
 * Of a stack that keeps running, the entry to what runs: the frame before the first that hands work to others. Where the
 * detector came by an interrupt, only what that came upon counts.
 */
function entryOf(frames: readonly Frame[]): number | null {
  const indices = usable(frames);
  const names = indices.map((i) => nameAt(frames, i));
  const from = reportedFrom(names);
  let last: number | null = null;
  for (let k = from; k < indices.length; k++) {
    const name = names[k]!;
    if (ANCHORS.test(name)) {
      if (name.startsWith('smp_call_function')) return indices[k]!;
      if (last !== null) return last;
    } else if (helperKind(name) === '') last = indices[k]!;
  }
  return last === null ? null : inner(frames.slice(indices[from] ?? 0)) === null ? last : last;
}

/** How many of the first frames only report: up to the interrupt by which the detector came. */
function reportedFrom(names: readonly string[]): number {
  const tick = names.findIndex((name) =>
    /^(?:update_process_times|nmi_cpu_backtrace|watchdog_timer_fn|rcu_(?:sched_clock_irq|check_callbacks|dump_cpu_stacks)|sched_show_task)$/.test(
      name,
    ),
  );
  if (tick < 0) return 0;
  for (let i = tick; i < names.length; i++) {
    if (!INTERRUPT.test(names[i]!)) continue;
    let next = i + 1;
    while (next < names.length && INTERRUPT.test(names[next]!)) next++;
    return next;
  }
  return 0;
}

/** What waits, whatever it waits for. */
const WAITING =
  /^(?:_*schedule(?:_\w+)?|io_schedule\w*|context_switch|_*wait_(?:for|on)_\w+|do_wait_for_common|_*wait_for_common\w*|wait_woken|prepare_to_\w+|_*bit_wait\w*|out_of_line_\w+|rwsem_\w+|_*down_\w*|__switch_to|__cond_resched\w*|congestion_wait|sleep_on\w*|__wait_rcu_gp|do_wait_\w+|_*rt_mutex_\w+|request_wait_answer|schedule_hrtimeout\w*|usleep\w*|msleep\w*|(?:raw_)?__sched_text_start|bdi_split_work\w*|_*mutex_lock\w*|percpu_rwsem_wait|jiffies_\w+|folio_wait_\w+|d_alloc_parallel_wait|autoremove_\w+|_*folio_lock\w*|_*lock_page\w*|_*lock_buffer|wait_transaction_locked)$/;

/** The frame that asked to wait. */
function waited(frames: readonly Frame[]): number | null {
  return (
    usable(frames).find((i) => {
      const name = nameAt(frames, i);
      return helperKind(name) === '' && !WAITING.test(name);
    }) ?? null
  );
}

/** "… is trying to acquire lock:" and what follows; and ", at: func+0x1/0x2" of the lock. */
const ACQUIRES =
  /(?:is trying to (?:acquire|release|contend) lock|just changed the state of lock|takes:|is leaving the kernel with locks still held)/;
const AT = /, at: (?:\[<[0-9a-f]+>\] )?([A-Za-z_$][\w.$]{0,199})\+0x/;

/** Where the lock is taken: by lockdep's own word, or as far up from there as it is only a helper. */
function lockOf(traces: readonly Trace[], body: readonly Message[]): Blamed {
  const begin = body.findIndex(({ text }) => ACQUIRES.test(text));
  const at = begin < 0 ? undefined : atOf(body.slice(begin, begin + 6));
  const trace = traces[0];
  if (!trace) return NOBODY;
  const indices = usable(trace.frames);
  const from = at === undefined ? -1 : indices.findIndex((i) => nameAt(trace.frames, i) === at);
  const found = indices.slice(Math.max(0, from)).find((i) => helperKind(nameAt(trace.frames, i)) === '');
  return marked(trace, found ?? null);
}

function atOf(messages: readonly Message[]): string | undefined {
  for (const { text } of messages) {
    const name = AT.exec(text)?.[1];
    if (name !== undefined) return plainFunction(name);
  }
  return undefined;
}
