/**
 * The register of changes that somebody announced: deployments, firmware, sysctls. Must not know what they explain.
 */
import type { Change, Label } from '@netfall/proto';
import type { Moment } from './log-time.ts';

/** Changes that are kept: those that began last. */
const MOST_CHANGES = 1000;
/** A change may be announced this long before it begins; what says more is of a clock that is wrong. */
export const LONGEST_AHEAD_US = 86_400_000_000;

/** A change as it was announced last. */
export interface ChangeRecord {
  readonly id: string;
  /** E.g. "deployment". */
  readonly kind: string;
  readonly summary: string;
  /** When it began, or is to begin: at most LONGEST_AHEAD_US after it was announced. */
  readonly at_us: number;
  /** Log time. */
  readonly announced_us: number;
  /** What its hosts have in common; with neither these nor hosts it concerns all. */
  readonly attributes: readonly Label[];
  /** Ids of hosts. */
  readonly hosts: readonly string[];
  readonly by: string;
  readonly url: string;
}

export class AnnouncedChanges {
  readonly all: Map<string, ChangeRecord>;
  readonly #changed = new Set<string>();
  readonly #removed = new Set<string>();
  #version = 0;

  constructor(stored: Iterable<ChangeRecord>) {
    this.all = new Map(Array.from(stored, (record) => [record.id, record]));
  }

  /** Another one whenever something is announced. */
  get version(): number {
    return this.#version;
  }

  /** Takes an announcement, in the place of an earlier one of the same id. */
  announce(change: Change, { nowUs }: Moment): void {
    const { id, kind, summary, at_us, attributes, hosts, by, url } = change;
    this.all.set(id, {
      id,
      kind,
      summary,
      at_us: at_us === 0 ? nowUs : Math.min(at_us, nowUs + LONGEST_AHEAD_US),
      announced_us: nowUs,
      attributes: attributes.map(({ key, value }) => ({ key, value })),
      hosts: [...hosts],
      by,
      url,
    });
    this.#version++;
    this.#changed.add(id);
    if (this.all.size > MOST_CHANGES) this.#forgetOldest();
  }

  /** What changed since this was last called. */
  takeChanges(): { readonly changes: readonly ChangeRecord[]; readonly removedChanges: readonly string[] } {
    const taken = {
      changes: Array.from(this.#changed, (id) => this.all.get(id) as ChangeRecord),
      removedChanges: [...this.#removed],
    };
    this.#changed.clear();
    this.#removed.clear();
    return taken;
  }

  #forgetOldest(): void {
    const [first, ...rest] = this.all.values();
    if (!first) return;
    const { id } = rest.reduce((oldest, record) => (isOlder(record, oldest) ? record : oldest), first);
    this.all.delete(id);
    this.#changed.delete(id);
    this.#removed.add(id);
  }
}

/** By time, then by id, since the map's order is another one after a restore. */
function isOlder(a: ChangeRecord, b: ChangeRecord): boolean {
  return a.at_us < b.at_us || (a.at_us === b.at_us && a.id < b.id);
}
