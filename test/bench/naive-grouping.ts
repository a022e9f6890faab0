/**
 * What a fleet has without correlation, for comparison: a threshold a signal on each host, silence by a deadline, a line of a
 * crash, and alerts with the same name within a window grouped into one, as Alertmanager does by default. A group says what
 * labels its alerts have in common. Knows no baseline, no control group and no cause.
 */
import { decodeEntry, type EventLine } from '@netfall/proto';
import { attributesOf } from '../../collector/fold/attributes.ts';
import { currentRules } from '../../collector/rules.ts';
import type { Found } from './correlation-score.ts';

/** An alert of the same name within this time joins a group. */
const WINDOW_US = 300_000_000;
const SUSTAIN_US = 3_000_000;
const SILENT_US = 30_000_000;
const LOOK_EVERY_US = 1_000_000;

interface Group {
  readonly name: string;
  readonly kind: Found['kind'];
  readonly startedUs: number;
  lastUs: number;
  readonly hosts: Set<string>;
}

export class NaiveGrouping {
  readonly #rules = currentRules('default');
  readonly #groups: Group[] = [];
  readonly #open = new Map<string, Group>();
  /** Since when a host's signals are above their thresholds, by host: most have none. */
  readonly #above = new Map<string, Map<string, number>>();
  readonly #alerting = new Map<string, number>();
  readonly #heard = new Map<string, number>();
  readonly #attributes = new Map<string, Readonly<Record<string, string>>>();
  #alerts = 0;
  #lookedUs = 0;

  /** Alerts that there were, each of one signal on one host. */
  get alerts(): number {
    return this.#alerts;
  }

  take({ data, timeUs }: EventLine): void {
    const { envelope } = decodeEntry(data);
    if (timeUs - this.#lookedUs >= LOOK_EVERY_US) this.#look(timeUs);
    if (!envelope) return;
    const host = envelope.host_id;
    this.#heard.set(host, timeUs);
    for (const { inventory, drop_report, crash_witness, crash_report, goodbye } of envelope.items) {
      if (inventory) this.#attributes.set(host, attributesOf(inventory));
      if (goodbye) this.#heard.delete(host);
      const witness = crash_witness ?? crash_report?.witness;
      if (witness) this.#alert('crash', 'crash', witness.sender || host, timeUs);
      const seconds = (drop_report?.window_us ?? 1) / 1_000_000;
      for (const { reason, function: fn, events } of drop_report?.drops ?? []) {
        const { alarm } = this.#rules.classify(reason, fn);
        const name = `drop/${reason}/${fn}`;
        if (alarm === 'never' || events < Math.max(1, alarm) * seconds) {
          this.#above.get(host)?.delete(name);
          continue;
        }
        if (timeUs - this.#aboveSince(host, name, timeUs) >= SUSTAIN_US)
          this.#alert(name, 'drop', host, timeUs);
      }
    }
  }

  /** The groups, as incidents. */
  found(): readonly Found[] {
    const everybody = [...this.#attributes.values()];
    return this.#groups.map(({ kind, startedUs, lastUs, hosts }) => {
      const ids = [...hosts];
      return {
        ...{ startedUs, detectedUs: startedUs, endUs: lastUs, kind, hosts: ids },
        items: ids.length === 1 ? [{ attribute: 'host', value: ids[0] ?? '' }] : this.#common(ids, everybody),
        equivalents: [],
        cause: null,
      };
    });
  }

  /** What all of some hosts have in common and not everybody has. */
  #common(ids: readonly string[], everybody: readonly Readonly<Record<string, string>>[]) {
    const [first, ...rest] = ids.map((id) => this.#attributes.get(id) ?? {});
    return Object.entries(first ?? {})
      .filter(([key, value]) => rest.every((other) => other[key] === value))
      .filter(([key, value]) => everybody.some((other) => other[key] !== value))
      .map(([attribute, value]) => ({ attribute, value }));
  }

  #look(nowUs: number): void {
    this.#lookedUs = nowUs;
    for (const [host, us] of this.#heard) {
      if (nowUs - us >= SILENT_US) this.#alert('silence', 'silence', host, nowUs);
    }
  }

  #aboveSince(host: string, name: string, nowUs: number): number {
    let above = this.#above.get(host);
    if (!above) {
      above = new Map();
      this.#above.set(host, above);
    }
    const since = above.get(name) ?? nowUs;
    above.set(name, since);
    return since;
  }

  #alert(name: string, kind: Found['kind'], host: string, nowUs: number): void {
    const key = `${host} ${name}`;
    const before = this.#alerting.get(key) ?? Number.NEGATIVE_INFINITY;
    this.#alerting.set(key, nowUs);
    if (nowUs - before > WINDOW_US) this.#alerts++;
    let group = this.#open.get(name);
    if (!group || nowUs - group.lastUs > WINDOW_US) {
      group = { name, kind, startedUs: nowUs, lastUs: nowUs, hosts: new Set() };
      this.#groups.push(group);
      this.#open.set(name, group);
    }
    group.lastUs = nowUs;
    group.hosts.add(host);
  }
}
