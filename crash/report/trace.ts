/**
 * Stack traces: which lines are frames, which begin a trace, and of what. Pure. Formats: show_trace_log_lvl() and show_ip() of
 * x86, dump_backtrace() of arm64 and arm, %pS and %pB in lib/vsprintf.c, stack_trace_print(); and what symbolising adds.
 */
import type { Frame } from './report.ts';

const NAME = '[A-Za-z_$][\\w.$]{0,199}';
/** "[net_failover]", and with the module's build id or its taint. */
const MODULE = '(?: \\[([A-Za-z0-9_-]{1,64})(?:[ (][^\\]]{0,80})?\\])?';
const ADDRESS = '(?:\\[<[0-9a-fx]{1,18}>\\]|\\[[0-9a-f]{8,16}\\])';
/** " [<ffff…>] ? func+0x12/0x34 [module] net/core/dev.c:12": all but the function may be absent. */
const FRAME = new RegExp(
  `^(?:<(?:[A-Z]{3,9}|#[A-Z]{2})>)?\\s{0,12}(?:${ADDRESS}\\s{1,4}){0,2}(\\? )?(?:${ADDRESS}\\s{1,4})?\\(?(${NAME})\\+(0x[0-9a-f]{1,16})(?:/0x[0-9a-f]{1,16})?\\)?${MODULE}(?: (\\S{1,200}:\\d{1,7}))?( \\[inline\\])?( \\(unreliable\\)|\\s*$|(?= ))`,
);
/** " kasan_report_error mm/kasan/report.c:352 [inline]". */
const INLINE = new RegExp(`^\\s{0,12}(${NAME}) (\\S{1,200}:\\d{1,7}) (\\[inline\\]|\\(discriminator )`);
/** " ? ring_ioctl (drivers/net/demo.c:99 drivers/net/demo.c:120) eth_demo": scripts/decode_stacktrace.sh. */
const DECODED = new RegExp(
  `^\\s{0,12}(\\? )?(${NAME}) \\((\\S{1,200}:\\d{1,7})(?: [^()]{0,400}(?:\\(discriminator \\d{1,9}\\))?[^()]{0,400})?\\)(?: ([A-Za-z0-9_-]{1,64}))?$`,
);
const DECODED_POINTER = new RegExp(`^(?:RIP: 0010:|pc : )(${NAME}) \\((\\S{1,200}:\\d{1,7})`);
/** arm's "[<8010e300>] (show_stack) from [<8018de80>] (func+0x18/0x1c)": the one that called. */
const FROM = new RegExp(
  `^\\s{0,12}(?:\\[<[0-9a-f]{8}>\\] )?\\(?${NAME}\\)?(?: \\[[\\w-]{1,64}\\])? from (?:\\[<[0-9a-f]{8}>\\] )?\\(?(${NAME})\\+(0x[0-9a-f]{1,8})(?:/0x[0-9a-f]{1,8})?\\)?${MODULE}`,
);
/** Where a processor was: x86's RIP, arm64's pc, arm's PC, riscv's epc. */
const POINTER = new RegExp(
  `^(?:[RE]?IP: (?:[0-9a-f]{4}:)?|NIP |pc : |PC is at |epc : )(?:${ADDRESS}\\s{1,4}){0,2}(?:\\(?(${NAME})\\+(0x[0-9a-f]{1,16})(?:/0x[0-9a-f]{1,16})?\\)?${MODULE}|(0x[0-9a-f]{1,18}|[0-9a-f]{8,16}\\b)|(${NAME})$)(?: (\\S{1,200}:\\d{1,7}))?( \\[inline\\])?`,
);

export interface Pointer {
  /** Null where the processor was in no function that has a name: in user space, or nowhere. */
  readonly frame: Frame | null;
  /** Whether it was in user space. */
  readonly isUser: boolean;
}

/** The frame that a message is, or null. */
export function frameOf(text: string, line: number): Frame | null {
  const found = FRAME.exec(text);
  if (found) {
    const [, doubted, name = '', offset = '', module = '', source = '', inline, unreliable = ''] = found;
    const reliable = doubted === undefined && !unreliable.includes('unreliable');
    return frame(name, Number(offset), module, source, reliable, inline !== undefined, line);
  }
  const inlined = INLINE.exec(text);
  if (inlined) return frame(inlined[1] ?? '', null, '', inlined[2] ?? '', true, true, line);
  const decoded = DECODED.exec(text);
  if (decoded) {
    const [, doubted, name = '', source = '', module = ''] = decoded;
    return frame(name, null, module, source, doubted === undefined, false, line);
  }
  const from = FROM.exec(text);
  return from ? frame(from[1] ?? '', Number(from[2]), from[3] ?? '', '', true, false, line) : null;
}

/** Where a message says that the processor was, or null when it says no such thing. */
export function pointerOf(text: string, line: number): Pointer | null {
  const decoded = DECODED_POINTER.exec(text);
  if (decoded) {
    const [, name = '', source = ''] = decoded;
    return { frame: frame(name, null, '', source, true, false, line), isUser: false };
  }
  const found = POINTER.exec(text);
  if (!found) return null;
  const [, name, offset, module = '', address, bare, source = '', inline] = found;
  const isUser = /^[RE]?IP: 00(?:33|23|73):/.test(text);
  if (isUser || address !== undefined) return { frame: null, isUser };
  const at = offset === undefined ? null : Number(offset);
  return {
    frame: frame(name ?? bare ?? '', at, module, source, true, inline !== undefined, line),
    isUser,
  };
}

function frame(
  name: string,
  offset: number | null,
  module: string,
  source: string,
  reliable: boolean,
  inline: boolean,
  line: number,
): Frame {
  return { function: name, offset, module, source, reliable, inline, line, passed: '' };
}

/** What a trace is of. */
export type TraceKind =
  | 'call' // where the reporter stood
  | 'access' // KCSAN's and KFENCE's, without a heading of its own
  | 'history' // who allocated, freed or queued something, or took a lock, long before
  | 'lock'; // one of lockdep's dependencies

const TRACE_HEADS: readonly (readonly [TraceKind, RegExp])[] = [
  [
    'call',
    /^\s*(?:<\w+> )?Call [Tt]race:|^Backtrace:|^\s{0,4}backtrace(?: \(crc [0-9a-f]+\))?:|^Stack traceback:|^Trace:/,
  ],
  [
    'lock',
    /^-> #\d+ |^the existing dependency chain|\} state was registered at:|^\s*\.\.\. (?:acquired|key) at:|which became \S+-(?:un)?safe at:|^(?:the )?(?:shortest )?dependencies between|^irq event stamp/,
  ],
  [
    'history',
    /^(?:Allocated|Freed|Created)(?: by|:)|^Last (?:potentially related work creation|call_rcu)|^Second to last potentially|^(?:Uninit was|Local variable|Bytes \d)|^allocated by|^freed by|^(?:Preemption disabled|softirqs last|hardirqs last)|^INFO: (?:Allocated|Freed) in|^page (?:last|allocated|freed)|^page_owner|^reset_page_owner|^prep_new_page|^(?:Allocated|Freed) in |^stack backtrace of|^The buggy address|^last unloaded/,
  ],
];

/** What trace a message begins, or null. */
export function traceHead(text: string): TraceKind | null {
  for (const [kind, pattern] of TRACE_HEADS) if (pattern.test(text)) return kind;
  return null;
}
