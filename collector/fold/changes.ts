/**
 * The register of changes that somebody announced: deployments, firmware, sysctls; and which of them fit trouble by their
 * time and their hosts. Must not know what comes of that.
 */
import type { Change, Label } from '@netfall/proto';
import type { Population } from './explain/population.ts';
import type { Moment } from './log-time.ts';
import type { AttributeValue, ChangeRef } from './model.ts';

/** Changes that are kept: those that began last. */
const MOST_CHANGES = 1000;
/** A change may be announced this long before it begins; what says more is of a clock that is wrong. */
export const LONGEST_AHEAD_US = 86_400_000_000;
/** For this long after a change its hosts are looked at in particular. */
const EXPECTED_US = 3_600_000_000;
/** A change fits from a day before trouble to a minute after: clocks differ. */
const EARLIER_US = 86_400_000_000;
const LATER_US = 60_000_000;
/** Hosts in trouble by which it is told whether a change concerns them. */
const SAMPLE_HOSTS = 20;
/** Changes that are told of one incident. */
const MOST_TOLD = 5;

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

  /** What the hosts of changes have in common that were made lately, or are being made. */
  expected(nowUs: number): readonly (readonly AttributeValue[])[] {
    return [...this.all.values()]
      .filter(({ at_us, attributes }) => {
        return attributes.length > 0 && at_us <= nowUs + LATER_US && at_us >= nowUs - EXPECTED_US;
      })
      .map(itemsOf);
  }

  /** Those that trouble since then may have come of, since they concern all of its hosts; the newest first. */
  before(
    startedUs: number,
    hosts: readonly { readonly host_id: string }[],
    population: Population,
  ): readonly ChangeRef[] {
    const sample = hosts.slice(0, SAMPLE_HOSTS);
    return [...this.all.values()]
      .filter((change) => {
        if (change.at_us > startedUs + LATER_US || change.at_us < startedUs - EARLIER_US) return false;
        const items = itemsOf(change);
        const names = change.hosts;
        return sample.every(({ host_id }) => {
          return population.fits(host_id, items) && (names.length === 0 || names.includes(host_id));
        });
      })
      .sort((a, b) => b.at_us - a.at_us || (a.id < b.id ? -1 : 1))
      .slice(0, MOST_TOLD)
      .map(({ id, summary, at_us }) => ({ id, summary, at_us }));
  }

  /** When the last change of hosts with these values began; 0 when none is known. */
  lastUs(items: readonly AttributeValue[]): number {
    const isNamed = ({ key, value }: Label) =>
      items.some((item) => item.attribute === key && item.value === value);
    return [...this.all.values()].reduce((latest, { attributes, at_us }) => {
      return attributes.length > 0 && attributes.every(isNamed) ? Math.max(latest, at_us) : latest;
    }, 0);
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

function itemsOf({ attributes }: ChangeRecord): readonly AttributeValue[] {
  return attributes.map(({ key, value }) => ({ attribute: key, value }));
}

/** By time, then by id, since the map's order is another one after a restore. */
function isOlder(a: ChangeRecord, b: ChangeRecord): boolean {
  return a.at_us < b.at_us || (a.at_us === b.at_us && a.id < b.id);
}
