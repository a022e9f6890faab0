/** What a story folds to, for tests to look at. */
import { Fold } from '../fold.ts';
import type { HostState } from '../host.ts';
import { hostView } from '../host-view.ts';
import type { HostView, Incident } from '../model.ts';
import { type Story, testRules } from './story.ts';

/** The signal of `surge`. */
export const SURGE = 'NO_SOCKET/__udp4_lib_rcv';

export function fold(story: Story): Fold {
  const folded = new Fold(testRules);
  for (const entry of story.entries) folded.apply(entry);
  return folded;
}

export function incidentsOf(story: Story): Incident[] {
  return [...fold(story).incidents()];
}

export function host(folded: Fold, id: string): { readonly record: HostState; readonly view: HostView } {
  const { global, hosts } = folded.rows();
  const record = [...hosts].find((candidate) => candidate.id === id);
  if (!record) throw new Error(`no host ${id}`);
  return { record: record.state, view: hostView(record, global.live_us) };
}

/** A host at rest for ten seconds, then a surge for `seconds`. */
export function surge(story: Story, id: string, from: number, seconds: number, rate = 1000): void {
  for (let s = 1; s <= seconds; s++) story.report(from + s, id, { drops: { [SURGE]: rate } });
}

/** A host that is well, from one second to another: a report every ten seconds, and ticks meanwhile. */
export function rest(story: Story, id: string, from: number, to: number): void {
  for (let s = from; s <= to; s++) {
    if (s % 10 === 0) story.report(s, id, { drops: {}, windowS: 10 });
    else story.tick(s);
  }
}
