/**
 * Which hosts are in trouble now, by the class of trouble: derived from the host records, never stored. Must not know how
 * trouble is noticed, nor what becomes of it.
 */
import type { SignalRecord, Spell } from './detect.ts';
import { type HostRecord, hostname } from './host.ts';
import type { Severity, Signal } from './model.ts';

const MOST_NAMES = 3;

/** Trouble of one class on one host. */
export interface Active {
  readonly host: HostRecord;
  readonly spell: Spell;
}

export interface SignalClass {
  /** Names it, e.g. "drop/NO_SOCKET/__udp4_lib_rcv". */
  readonly key: string;
  readonly signal: Signal;
  readonly severity: Severity;
  /** By host. */
  readonly active: Map<string, Active>;
}

/** What names a class of trouble. */
export function classKey(signal: Signal): string {
  if (signal.kind === 'drop') return `drop/${signal.reason}/${signal.function}`;
  if (signal.kind === 'counter') return `counter/${signal.counter}`;
  if (signal.kind === 'crash') return `crash/${signal.signature}`;
  return signal.kind;
}

/** The hosts in trouble, by name: a few, and how many more. */
export function namesOf(active: readonly Active[]): string {
  const names = active.map(({ host }) => hostname(host)).sort();
  const more = names.length - MOST_NAMES;
  return more <= 0 ? names.join(', ') : `${names.slice(0, MOST_NAMES).join(', ')} and ${more} more`;
}

/** The class of a host's signal. */
export function signalOf({ kind, reason, function: fn }: SignalRecord): Signal {
  return kind === 'drop' ? { kind, reason, function: fn } : { kind, counter: reason };
}

export class Classes {
  readonly #classes = new Map<string, SignalClass>();

  /** Trouble of a class begins on a host. */
  begin(signal: Signal, severity: Severity, host: HostRecord, spell: Spell): void {
    const key = classKey(signal);
    let known = this.#classes.get(key);
    if (!known) {
      known = { key, signal, severity, active: new Map() };
      this.#classes.set(key, known);
    }
    known.active.set(host.id, { host, spell });
  }

  /** It ends there. */
  end(signal: Signal, hostId: string): void {
    const key = classKey(signal);
    const known = this.#classes.get(key);
    known?.active.delete(hostId);
    if (known?.active.size === 0) this.#classes.delete(key);
  }

  get(key: string): SignalClass | undefined {
    return this.#classes.get(key);
  }

  /** Those with hosts in trouble, in the order of their keys. */
  all(): readonly SignalClass[] {
    return [...this.#classes.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}
