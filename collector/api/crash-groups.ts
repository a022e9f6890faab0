/**
 * Crashes by signature: what those that share one have in common, and what signatures of another version would make of them.
 * Pure; where crashes are kept is not known here.
 */
import { isSurvived } from '@netfall/crash';
import type { CrashSummary } from '../store/crash-summary.ts';

/** Something that crashes of a group have, and how many of them do. */
export interface CrashShare {
  readonly name: string;
  readonly crashes: number;
}

/** The crashes that share a signature. Lists have the most first, and are cut at {@link MOST_SHARED}. */
export interface CrashGroup {
  readonly signature: string;
  /** Of the newest crash whose report is not corrupted. */
  readonly title: string;
  readonly type: string;
  readonly bug: string;
  /** Whether no report of them is to be trusted. */
  readonly corrupted: boolean;
  readonly crashes: number;
  /** Those of them whose host did not live on, by their kind. */
  readonly fatal: number;
  /** Names of hosts, or addresses where it is not known which host it was; and how many there are. */
  readonly hosts: readonly CrashShare[];
  readonly hosts_total: number;
  readonly kernels: readonly CrashShare[];
  /** Flags; that a kernel was not tainted is "". */
  readonly taints: readonly CrashShare[];
  readonly hardware: readonly CrashShare[];
  /** The moments of the first and the last one, and the last one's id. */
  readonly first_us: number;
  readonly last_us: number;
  readonly last_crash_id: string;
}

/** One side of a change of signatures. */
export interface SignatureCount {
  readonly signature: string;
  readonly title: string;
  readonly crashes: number;
}

/** Groups that would be other groups. */
export interface SignatureChange {
  readonly what: 'merge' | 'split' | 'regroup';
  readonly before: readonly SignatureCount[];
  readonly after: readonly SignatureCount[];
}

/** What signatures of another version would make of the crashes that are kept. */
export interface SignaturePreview {
  readonly version: number;
  readonly current_version: number;
  /** What crashes have in common that share a signature of that version. */
  readonly meaning: string;
  /** Crashes that have a signature. */
  readonly crashes: number;
  readonly groups_before: number;
  readonly groups_after: number;
  /** The most crashes first. */
  readonly changes: readonly SignatureChange[];
  /** Changes that had no room. */
  readonly unlisted_changes: number;
}

/** Names of each kind that a group tells of. */
export const MOST_SHARED = 16;
/** Changes that a preview tells of. */
const MOST_CHANGES = 100;

/** A crash with a reading. */
export interface Summarised {
  readonly id: string;
  readonly atUs: number;
  readonly signature: string;
  readonly summary: CrashSummary;
}

/** The group of crashes that share a signature: one at least, the newest first. */
export function groupOf(crashes: readonly [Summarised, ...Summarised[]]): CrashGroup {
  const [newest] = crashes;
  const trusted = crashes.find(({ summary }) => summary.corrupted === '');
  const { title, type, bug } = (trusted ?? newest).summary;
  const names = new Map(crashes.map(({ summary: { host, hostname } }) => [host, hostname]));
  const hosts = sharesOf(crashes, ({ host }) => host);
  return {
    signature: newest.signature,
    ...{ title, type, bug },
    corrupted: trusted === undefined,
    crashes: crashes.length,
    fatal: crashes.filter(({ summary: { kind } }) => kind !== '' && !isSurvived(kind)).length,
    hosts: most(hosts.map(({ name, crashes: count }) => ({ name: names.get(name) ?? name, crashes: count }))),
    hosts_total: hosts.length,
    kernels: most(sharesOf(crashes, ({ kernel }) => kernel).filter(isNamed)),
    taints: most(sharesOf(crashes, ({ taint }) => taint)),
    hardware: most(sharesOf(crashes, ({ hardware }) => hardware).filter(isNamed)),
    first_us: (crashes.at(-1) ?? newest).atUs,
    last_us: newest.atUs,
    last_crash_id: newest.id,
  };
}

const isNamed = ({ name }: CrashShare) => name !== '';

function sharesOf(crashes: readonly Summarised[], of: (summary: CrashSummary) => string): CrashShare[] {
  const counts = new Map<string, number>();
  for (const { summary } of crashes) counts.set(of(summary), (counts.get(of(summary)) ?? 0) + 1);
  return Array.from(counts, ([name, count]) => ({ name, crashes: count }));
}

function most(shares: readonly CrashShare[]): readonly CrashShare[] {
  return shares.toSorted(byCrashes(({ name }) => name)).slice(0, MOST_SHARED);
}

/** What a crash is signed by now, and would be. */
export interface Resigned {
  readonly before: string;
  readonly after: string;
  readonly title: string;
}

/** Groups that would be other groups. @param crashes the newest first */
export function changesOf(
  crashes: readonly Resigned[],
): Pick<SignaturePreview, 'crashes' | 'groups_before' | 'groups_after' | 'changes' | 'unlisted_changes'> {
  const before = groupBy(crashes, (crash) => crash.before);
  const after = groupBy(crashes, (crash) => crash.after);
  const changes: (SignatureChange & { readonly crashes: number })[] = [];
  const seen = new Set<string>();
  for (const start of before.keys()) {
    if (seen.has(start)) continue;
    const members = connected(start, before, after);
    const sides = {
      before: countsOf(members, (crash) => crash.before),
      after: countsOf(members, (crash) => crash.after),
    };
    for (const { signature } of sides.before) seen.add(signature);
    const [from, to] = [sides.before.length, sides.after.length];
    if (from === 1 && to === 1) continue;
    const what = to === 1 ? 'merge' : from === 1 ? 'split' : 'regroup';
    changes.push({ what, ...sides, crashes: members.length });
  }
  const listed = changes.sort(byCrashes(({ before: [first] }) => first?.signature ?? ''));
  return {
    crashes: crashes.length,
    groups_before: before.size,
    groups_after: after.size,
    changes: listed.slice(0, MOST_CHANGES).map(({ crashes: _, ...change }) => change),
    unlisted_changes: Math.max(0, changes.length - MOST_CHANGES),
  };
}

function groupBy(crashes: readonly Resigned[], of: (crash: Resigned) => string): Map<string, Resigned[]> {
  const groups = new Map<string, Resigned[]>();
  for (const crash of crashes) {
    const group = groups.get(of(crash));
    if (group) group.push(crash);
    else groups.set(of(crash), [crash]);
  }
  return groups;
}

/** All crashes that share a signature with those of `start`, before or after, or with one that does. */
function connected(
  start: string,
  before: ReadonlyMap<string, readonly Resigned[]>,
  after: ReadonlyMap<string, readonly Resigned[]>,
): readonly Resigned[] {
  const members: Resigned[] = [];
  const reached = { before: new Set([start]), after: new Set<string>() };
  for (const signature of reached.before) {
    for (const crash of before.get(signature) ?? []) {
      members.push(crash);
      if (reached.after.has(crash.after)) continue;
      reached.after.add(crash.after);
      // A set goes on over what is added to it meanwhile.
      for (const other of after.get(crash.after) ?? []) reached.before.add(other.before);
    }
  }
  return members;
}

function countsOf(crashes: readonly Resigned[], of: (crash: Resigned) => string): SignatureCount[] {
  return Array.from(groupBy(crashes, of), ([signature, group]) => {
    return { signature, title: group[0]?.title ?? '', crashes: group.length };
  }).sort(byCrashes(({ signature }) => signature));
}

/** The most crashes first, and those with as many by name. */
function byCrashes<T extends { readonly crashes: number }>(name: (one: T) => string) {
  return (a: T, b: T): number =>
    b.crashes - a.crashes || (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0);
}
