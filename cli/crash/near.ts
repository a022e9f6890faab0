/** Which known crashes a crash is near to, and what tells them apart. Pure. */

import type { CrashGroup, CrashShare } from '@netfall/collector';
import { type Frame, plainFunction, type Report } from '@netfall/crash';

/** Groups whose stacks are worth a look: each is asked for. */
const MOST_CANDIDATES = 24;
/** Functions of a stack that are compared, from the one that is blamed outwards. */
const COMPARED = 8;

/** In what a group is near, the nearest first. */
const NEARNESS = ['signature', 'place', 'stack'] as const;

export interface Near {
  readonly by: (typeof NEARNESS)[number];
  readonly group: CrashGroup;
  /** Of the stack that was compared: how many functions it has, and how many of them the group's newest crash has. */
  readonly functions: number;
  readonly shared: number;
  readonly differences: readonly Difference[];
}

/** What one side has and the other has not; what is not known of either is no difference. */
export interface Difference {
  readonly what: 'kernel' | 'taint' | 'hardware' | 'caller';
  readonly here: string;
  readonly there: readonly string[];
}

/** As much of a stack as is compared. */
export interface Stack {
  readonly frames: readonly Pick<Frame, 'function' | 'reliable'>[];
  /** Which of them is blamed, if any. */
  readonly guilty: number | null;
}

/** The stack of a group's newest crash, by signature; a group may have none. */
export type Stacks = ReadonlyMap<string, Stack>;

/** Groups that may be near: those that share the signature, the place, or the class of what happened. */
export function candidates({ signature, bug }: Report, groups: readonly CrashGroup[]): CrashGroup[] {
  const { kind, place } = partsOf(bug);
  const certain: CrashGroup[] = [];
  const possible: CrashGroup[] = [];
  for (const group of groups) {
    const other = partsOf(group.bug);
    if (group.signature === signature || (place !== '' && other.place === place)) certain.push(group);
    else if (other.kind === kind) possible.push(group);
  }
  return [...certain, ...possible].slice(0, MOST_CANDIDATES);
}

/** Of {@link candidates} those that are near, the nearest first. */
export function nearest(report: Report, groups: readonly CrashGroup[], stacks: Stacks): Near[] {
  const { place } = partsOf(report.bug);
  const here = comparedOf(report);
  const near = groups.flatMap((group): Near[] => {
    const stack = stacks.get(group.signature);
    const there = stack ? comparedOf(stack) : [];
    const shared = here.filter((name) => there.includes(name)).length;
    const sameStack = 2 * shared > Math.max(here.length, there.length);
    const by =
      group.signature === report.signature
        ? 'signature'
        : place !== '' && partsOf(group.bug).place === place
          ? 'place'
          : 'stack';
    if (by === 'stack' && !sameStack) return [];
    const differences = differencesOf(report, group, here, there);
    return [{ by, group, functions: here.length, shared, differences }];
  });
  return near.sort((a, b) => NEARNESS.indexOf(a.by) - NEARNESS.indexOf(b.by) || b.shared - a.shared);
}

/** "bad-access in tun_chr_close" is a bad-access, and in tun_chr_close. */
function partsOf(bug: string): { readonly kind: string; readonly place: string } {
  const at = bug.lastIndexOf(' in ');
  return at < 0 ? { kind: bug, place: '' } : { kind: bug.slice(0, at), place: bug.slice(at + 4) };
}

/** Functions from the one that is blamed outwards, without what compilers add to their names. */
function comparedOf({ frames, guilty }: Stack): string[] {
  const called = frames.slice(guilty ?? 0).filter(({ reliable }) => reliable);
  return called.slice(0, COMPARED).map((frame) => plainFunction(frame.function));
}

function differencesOf(
  report: Report,
  group: CrashGroup,
  here: readonly string[],
  there: readonly string[],
): Difference[] {
  const unlike = (what: Difference['what'], own: string, theirs: readonly CrashShare[]): Difference[] =>
    own === '' || theirs.length === 0 || theirs.some(({ name }) => name === own)
      ? []
      : [{ what, here: own, there: theirs.map(({ name }) => name) }];
  const apart = here.findIndex((name, i) => name !== there[i]);
  return [
    ...unlike('kernel', report.kernel, group.kernels),
    ...unlike('taint', report.taint.flags, group.taints),
    ...unlike('hardware', report.hardware, group.hardware),
    ...(apart < 0 || there.length === 0
      ? []
      : [{ what: 'caller' as const, here: here[apart] ?? '', there: there.slice(apart, apart + 1) }]),
  ];
}
