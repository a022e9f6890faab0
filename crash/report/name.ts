/**
 * Titles: what happened and where, in words that stay the same from host to host, from build to build. Pure.
 */
import type { BugClass } from './formats.ts';
import { plainFunction } from './signature.ts';

/** Where a report has none although it should. */
export const NOWHERE = 'corrupted';
/** Characters of a title, and of what it says before the place. */
const MOST_TITLE = 200;
const MOST_HEAD = 160;

export interface Named {
  readonly title: string;
  readonly alternates: readonly string[];
  readonly bug: string;
  readonly place: string;
}

/**
 * @param what happened, without what differs from time to time
 * @param where a function's name as the log has it; null when there is no place to it
 */
export function nameOf(what: string, bugClass: BugClass | undefined, where: string | null): Named {
  if (where === null) {
    const title = steady(what);
    return { title, alternates: [], bug: bugClass ?? title, place: '' };
  }
  const raw = plainFunction(where);
  const place = placeOf(raw);
  const head = steady(what);
  const title = cut(`${head} in ${place}`);
  const bug = bugClass === undefined ? title : cut(`${bugClass} in ${place}`);
  const others = [
    ...(raw === place ? [] : [`${head} in ${raw}`]),
    ...(bugClass === undefined ? [] : [bug]),
    ...(raw === place || bugClass === undefined ? [] : [`${bugClass} in ${raw}`]),
  ];
  return { title, alternates: others.map((other) => cut(other)), bug, place };
}

/** Functions that are the same, whatever a kernel's version and build call them. */
const SAME: readonly (readonly [RegExp, string])[] = [
  // A system call's entry: by architecture, by kernel, and by whether it is the inner one.
  [/^__(?:x64|ia32|arm64|riscv|s390x?|powerpc|se|do)_(?:compat_)?sys_/, 'sys_'],
  [/^(?:__)?(?:compat_)?(?:SyS|SYSC|C_SYSC|ksys)_/, ''],
  [/^_*synchronize_(?:rcu|sched|rcu_bh|srcu)(?:_expedited|_normal)?$/, 'synchronize_rcu'],
  // A program that was compiled at run time, by its digest.
  [/^bpf_prog_[0-9a-f]{16}(?:_\w{1,64})?$/, 'bpf_prog'],
  [/^smp_call_function_(?:single|many|many_cond|any)$/, 'smp_call_function'],
];

function placeOf(name: string): string {
  for (const [pattern, same] of SAME) {
    const made = name.replace(pattern, same);
    if (made !== name) return made;
  }
  return name;
}

/** What differs from one time to the next of the same trouble, and what stands for it. */
const UNSTEADY: readonly (readonly [RegExp, string])[] = [
  [/\b([A-Za-z_][\w.]{0,199})\+0x[0-9a-f]{1,16}(?:\/0x[0-9a-f]{1,16})?/g, '$1'],
  [/\b(?:\d{1,3}\.){3}\d{1,3}\b/g, 'IP'],
  [/\b0x[0-9a-f]{1,16}\b/gi, 'ADDR'],
  [/\b(?=[0-9a-f]{0,15}\d)[0-9a-f]{8,16}\b/g, 'ADDR'],
  [/\b(CPU|cpu|pid|PID) ?#?\d{1,10}\b/g, '$1'],
  [/((?:^|\/)[\w./-]{1,100}\.[chS]):\d{1,7}\b/g, '$1:LINE'],
  // A bank of a machine check is a part of the machine.
  [/(?<!\bbank )\b\d{1,20}\b/g, 'NUM'],
];

/** Replaces what differs, until nothing does any more. */
function steady(text: string): string {
  let before = '';
  let now = cut(text, MOST_HEAD);
  for (let round = 0; before !== now && round < 4; round++) {
    before = now;
    for (const [pattern, mark] of UNSTEADY) now = now.replace(pattern, mark);
    now = cut(now, MOST_HEAD);
  }
  return now;
}

function cut(text: string, most: number = MOST_TITLE): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, most).trimEnd().toWellFormed();
}
