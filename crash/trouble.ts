/**
 * Where a kernel's log begins to tell of trouble: enough to say at once that a host is in trouble, and to find the place in
 * its log. What exactly happened is for a parser of reports. Pure.
 */
import { type LogLine, readLine } from './line.ts';

/** In words of the field; new ones may come. */
export type TroubleKind = 'panic' | 'oops' | 'bug' | 'lockup' | 'stall' | 'hung task' | 'warning';

/** What a kernel lives on after, if it is not told otherwise. */
export const SURVIVED: ReadonlySet<string> = new Set<TroubleKind>(['warning', 'hung task', 'stall']);

/** Whether trouble of a kind is graver than what was told of before it: not just a consequence of it. */
export function isGraver(kind: TroubleKind, before: TroubleKind): boolean {
  return isSurvived(before) && !isSurvived(kind);
}

/** Whether kernels live on after trouble of a kind, if they are not told otherwise. @param kind as witnesses say it */
export function isSurvived(kind: string): boolean {
  return SURVIVED.has(kind);
}

/** How the kernel begins to tell of each. The first that fits counts. */
const BEGINNINGS: readonly (readonly [TroubleKind, RegExp])[] = [
  ['panic', /^Kernel panic - not syncing|^PANIC: /],
  [
    'lockup',
    /^(?:NMI )?watchdog: (?:BUG: soft lockup|.{0,40}hard LOCKUP)|^BUG: (?:soft|workqueue) lockup|^Watchdog detected hard LOCKUP/,
  ],
  [
    'oops',
    /^BUG: (?:unable to handle|kernel NULL pointer|(?:\w{1,16} )?stack guard page)|^Oops(?:: | - )|^Internal error: |^general protection fault|^Unable to handle kernel|^Unhandled (?:fault|prefetch|exception)|^kernel BUG at |^invalid opcode: |^divide error: |^stack segment: |^double fault: |^int3: |^kernel tried to execute |^traps: PANIC/,
  ],
  // "BUG kmalloc-64 (Not tainted): Redzone overwritten" is SLUB's, and of KASAN's reports a later part; "[ BUG: " is lockdep's.
  ['bug', /^BUG: |^BUG \S{1,64} \((?:Not t|T)ainted[^)]{0,40}\): (?!kasan)|^\[ BUG: |^UBSAN: |^refcount_t: /],
  ['stall', /^(?:rcu: )?INFO: rcu_\w+ (?:self-)?detected|^rcu: RCU grace-period kthread stack dump/],
  ['hung task', /^INFO: task .{1,64} blocked (?:for more than|in I\/O wait)/],
  ['warning', /^-{12}\[ cut here \]-{12}$|^WARNING: (?:CPU: |at |.{1,300}:\d{1,6} at .{1,300}, CPU#\d)/],
  // lockdep's (INFO before Linux 4.11), and the stack unwinder's. Drivers have other things to warn of.
  [
    'warning',
    /^(?:WARNING|\[ INFO): (?:possible |suspicious |inconsistent |bad (?:unlock|contention)|\w{1,16}-safe -> |[Nn]ested lock|lock held|held lock|kernel stack|stack recursion|.{1,64} still has locks held)|^INFO: trying to register non-static key/,
  ],
];
/**
 * What the kernel says of a process, which chose the first 15 characters itself: "BUG: x[77]: segfault at …", "BUG: x invoked
 * oom-killer: …", "WARNING: CPU: 0: page allocation failure: …".
 */
const BY_PROCESS =
  /^.{1,15}(?:\[\d{1,10}\]| ?\(\d{1,10}\)|\/\d{1,10}:| invoked oom-killer|: page allocation)/;
/** What each of them begins with, so that most messages are passed over by a look at four letters. */
const STARTS: ReadonlySet<string> = new Set(
  'Kern|PANI|watc|Watc|NMI |BUG:|BUG |[ BU|[ IN|Oops|Inte|gene|Unab|Unha|kern|inva|divi|stac|doub|int3|trap|UBSA|refc|rcu:|INFO|WARN|----|---[|Rebo'.split(
    '|',
  ),
);
const PACKED_STARTS: ReadonlySet<number> = new Set([...STARTS].map((start) => packed(Buffer.from(start), 0)));

function packed(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** Whether the message at `at` is worth a look of {@link troubleIn} and {@link isLast}: of those that are, it misses none. */
export function mayBeTrouble(bytes: Uint8Array, at: number): boolean {
  return at + 4 <= bytes.length && PACKED_STARTS.has(packed(bytes, at));
}

/** What kind of trouble a message begins to tell of, or null. @param text without what stands before a message */
export function troubleIn(text: string): TroubleKind | null {
  if (!STARTS.has(text.slice(0, 4))) return null;
  for (const [kind, pattern] of BEGINNINGS) {
    if (pattern.test(text)) return BY_PROCESS.test(text) ? null : kind;
  }
  return null;
}

/** Whether a message is the last that a panicking kernel has to say, or next to it. */
export function isLast(text: string): boolean {
  return text.startsWith('---[ end Kernel panic') || text.startsWith('Rebooting in ');
}

/** Where trouble begins. */
export interface Beginning extends LogLine {
  readonly kind: TroubleKind;
}

/** Signs of trouble that are further apart belong to another crash, microseconds of the kernel's clock. */
export const EPISODE_GAP_US = 30_000_000;
/** How far from a log's end the last line that says the time is looked for, characters. */
const MOST_TAIL = 64 * 1024;
/** The longest stretch of a line that is looked at, characters. */
const MOST_LINE = 1024;

/**
 * Where the last crash in a log begins: the first of its last signs of trouble that follow one another closely, or the first
 * grave one of these. What is earlier, such as a warning while the host booted, is another matter. Null without a sign.
 * @param text a log, a line for each message
 */
export function lastBeginning(text: string): Beginning | null {
  let first: Beginning | null = null;
  let ended: Beginning | null = null;
  let lastUs = 0;
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const next = end < 0 ? text.length : end;
    if (next === at) {
      at++;
      continue;
    }
    const line = readLine(text.slice(at, Math.min(next, at + MOST_LINE)));
    at = next + 1;
    if (!first) ended ??= endOfPanic(line);
    const kind = troubleIn(line.text);
    if (kind === null) continue;
    const apart = line.uptimeUs > 0 && lastUs > 0 && line.uptimeUs - lastUs > EPISODE_GAP_US;
    if (!first || apart || isMark(first.text) || isGraver(kind, first.kind)) first = { ...line, kind };
    if (line.uptimeUs > 0) lastUs = line.uptimeUs;
  }
  return first ?? ended;
}

/** A log of which only the end is left may still say what the panic was, if not when. */
function endOfPanic({ text }: LogLine): Beginning | null {
  const [, why] = /^---\[ end (Kernel panic - not syncing.{0,300}?) \]---$/.exec(text) ?? [];
  return why === undefined ? null : { kind: 'panic', text: why, uptimeUs: 0 };
}

/** Whether a sign of trouble is only the mark that stands before a report, and says nothing of it. */
export function isMark(text: string): boolean {
  return text.startsWith('------------[');
}

/** What a log says of the kernel and the machine that wrote it; empty where it does not. */
export interface Claims {
  readonly kernel: string;
  readonly hardware: string;
}

// "CPU: 1 PID: 77 Comm: sh Not tainted 6.1.0-18-amd64 #1", "… Tainted: G        W  OE      6.12.9-amd64 #1".
const TAINT_LINE = /(?:Not tainted|Tainted: [A-Z ]{1,40}?) (\d{1,3}\.\d{1,4}[^\s]{0,80}) #/g;
const VERSION_LINE = /Linux version (\d{1,3}\.\d{1,4}[^\s]{0,80}) /g;
const HARDWARE_LINE = /Hardware name: ([^\n]{1,200})/g;

/** Reads them off a log: the last that is said of each, since a ring buffer may still hold an earlier boot. */
export function claimsOf(text: string): Claims {
  return {
    kernel: lastMatch(text, TAINT_LINE) || lastMatch(text, VERSION_LINE),
    hardware: lastMatch(text, HARDWARE_LINE).trimEnd(),
  };
}

function lastMatch(text: string, pattern: RegExp): string {
  let found = '';
  for (const match of text.matchAll(pattern)) found = match[1] ?? '';
  return found;
}

/** The kernel's own clock at the last line of a log that says it, microseconds; 0 when none does. */
export function lastUptimeUs(text: string): number {
  const least = text.length - MOST_TAIL;
  for (let end = text.length; end > Math.max(0, least); ) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    const { uptimeUs } = readLine(text.slice(start, Math.min(end, start + 64)));
    if (uptimeUs > 0) return uptimeUs;
    end = start - 1;
  }
  return 0;
}

/** Whether a log ends while it tells of trouble, or soon after: what wrote it did not go on for long. */
export function endsInTrouble(text: string): boolean {
  const endUs = lastUptimeUs(text);
  for (let end = text.length; end > 0; ) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    const line = readLine(text.slice(start, Math.min(end, start + MOST_LINE)));
    if (line.uptimeUs > 0 && endUs - line.uptimeUs > EPISODE_GAP_US) return false;
    if (troubleIn(line.text) !== null || endOfPanic(line) !== null) return true;
    end = start - 1;
  }
  return false;
}
