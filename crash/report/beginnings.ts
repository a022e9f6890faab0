/**
 * Where reports begin in a log, and which of them is the crash. Pure. What a report is made of is not known here.
 */
import { EPISODE_GAP_US } from '../trouble.ts';
import { type Format, formats } from './formats.ts';
import type { Message } from './lines.ts';
import { type CrashType, crashTypes } from './types.ts';

/** The first message of a report. */
export interface Begin {
  /** An index of the messages. */
  readonly at: number;
  readonly format: Format;
  readonly match: RegExpExecArray;
}

/** What most messages are passed over by: whether any format may begin so. */
const MAY_BEGIN =
  /^(?:BUG|WARN|INFO: |rcu: INFO|\[ (?:BUG|INFO|WARN)|UBSAN|[Uu]nable|Oops|[Gg]eneral pro|Unhandled|divide|invalid op|int3|stack seg|alignment|traps: P|PANIC|double f|Insufficient|[Kk]ernel (?:stack|BUG|panic)|Bad mode|Internal|VFS: |unreferenced|inconsistent|NMI |[Ww]atchdog|refcount_t|ODEBUG|DEBUG_LOCKS|mce: |\{\d+\}\[Hard|\[Hard|Memory cgroup out|Out of memory|unregister_netd|trusty|SYZFAIL|usercopy: |rust_kernel: p|Bad or missing)|list_(?:add|del)|list corruption|invoked oom|NETDEV WATCHDOG|hard LOCKUP|\[#\d|^(?:SError|kernel tried|CFI failure|runtime stack|goroutine |---\[ end Kernel)|blocked for more|detected buffer overflow|overwritten\] 0x|ASSERT FAILED/;

function formatOf(text: string): Pick<Begin, 'format' | 'match'> | null {
  if (!MAY_BEGIN.test(text)) return null;
  for (const format of formats) {
    const match = format.begins.exec(text);
    if (match) return { format, match };
  }
  return null;
}

/** Whatever could begin a report, in order. */
export function beginningsOf(messages: readonly Message[]): readonly Begin[] {
  const found: Begin[] = [];
  for (const [at, { text }] of messages.entries()) {
    const begun = formatOf(text);
    if (begun) found.push({ at, ...begun });
  }
  return found;
}

/** What hosts live with day by day: it neither begins what follows it nor keeps an episode going. */
const ROUTINE: ReadonlySet<CrashType> = new Set(['out-of-memory', 'netdev-watchdog']);
/** A warning so many messages behind such a report is of it. */
const CLOSE = 8;

function isRoutine({ format, match }: Begin): boolean {
  const { input } = match;
  if (input.startsWith('Kernel panic - '))
    return /: (?:Out of memory|System is deadlocked on memory)/.test(input);
  return ROUTINE.has(format.type) || input.startsWith('unregister_netdevice');
}

/** Without what is routine, if there is anything else. */
function seriousOf(begins: readonly Begin[]): readonly Begin[] {
  let routineAt = Number.NEGATIVE_INFINITY;
  const serious = begins.filter((begin) => {
    if (isRoutine(begin)) {
      routineAt = begin.at;
      return false;
    }
    return begin.format.type !== 'warning' || begin.at - routineAt > CLOSE;
  });
  return serious.length > 0 ? serious : begins;
}

/**
 * The first report of the last time that the kernel was in trouble, of those it did not survive if there are any: what is
 * earlier by more than a while, or of another boot, is another matter.
 */
export function beginningOf(begins: readonly Begin[], messages: readonly Message[]): Begin | undefined {
  const episodes: { readonly first: Begin; isGrave: boolean }[] = [];
  let lastUs = 0;
  for (const begin of seriousOf(begins)) {
    const { uptimeUs } = messages[begin.at]!;
    const isApart = uptimeUs > 0 && lastUs > 0 && Math.abs(uptimeUs - lastUs) > EPISODE_GAP_US;
    if (isApart || episodes.length === 0) episodes.push({ first: begin, isGrave: false });
    episodes.at(-1)!.isGrave ||= !crashTypes[begin.format.type].survived;
    if (uptimeUs > 0) lastUs = uptimeUs;
  }
  return (episodes.findLast(({ isGrave }) => isGrave) ?? episodes.at(-1))?.first;
}

/** Whether it says that the kernel ends, rather than why. */
export function isPanic({ match }: Begin): boolean {
  return /^(?:---\[ end )?Kernel panic - /.test(match.input);
}
