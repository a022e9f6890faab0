/**
 * A host's record as it is stored. What every message changes is short, since it is written that often: values without their
 * names, and signals without what they are called, which stands beside the facts. Pure.
 */
import type { SignalRecord } from '../fold/detect.ts';
import type { HostRecord, HostState } from '../fold/host.ts';

/** The columns of the view `host`. */
interface HostRow {
  readonly id: string;
  /** The facts, JSON. */
  readonly value: string;
  readonly signals: string;
  readonly state: string;
}

/** Everything of a state but its signals, in the order in which it is stored and a record has it. */
const FIELDS = [
  'first_seen_us',
  'last_seen_us',
  'status',
  'heard_us',
  'silent_at_us',
  'conflict_until_us',
  'offset_us',
  'spool_messages',
  'messages_lost',
  'duplicates',
  'late',
  'late_since_us',
  'jitter_us',
  'back_us',
  'silence',
  'speaker',
  'inventory_seq',
  'streams',
  'losses',
] as const satisfies readonly (keyof HostState)[];

/** Every field is stored: this is no type when one is missing. */
type Missing = Exclude<keyof HostState, (typeof FIELDS)[number] | 'signals'>;
type Packed = Missing extends never ? unknown[] : never;

/** What the signals of a host are called. */
export function packNames({ state }: HostRecord): string {
  return JSON.stringify(state.signals.map(({ kind, reason, function: fn }) => [kind, reason, fn]));
}

/** Times of signals are told as what they are behind the host's own: mostly nothing. */
export function packState({ state }: HostRecord): string {
  const { heard_us: heardUs } = state;
  const packed: Packed = FIELDS.map((field) => state[field]);
  for (const { baseline, traffic, heard_us, habit_us, spell } of state.signals) {
    packed.push(baseline, traffic, heardUs - heard_us, habit_us, spell ?? 0);
  }
  return JSON.stringify(packed);
}

/** Numbers of a signal in a packed state. */
const OF_SIGNAL = 5;

/** @param row of the view `host` */
export function unpackHost(row: Readonly<Record<string, unknown>>): HostRecord {
  const { id, value, signals, state } = row as unknown as HostRow;
  return { id, facts: JSON.parse(value) as HostRecord['facts'], state: unpackState(state, signals) };
}

function unpackState(text: string, signals: string): HostState {
  const packed = JSON.parse(text) as HostState | unknown[];
  // A row of the schema before 5.
  if (!Array.isArray(packed)) return packed;
  const state = Object.fromEntries(FIELDS.map((field, i) => [field, packed[i]])) as Omit<
    HostState,
    'signals'
  >;
  const names = JSON.parse(signals) as [SignalRecord['kind'], string, string][];
  return {
    ...state,
    signals: names.map(([kind, reason, fn], i) => {
      const at = FIELDS.length + OF_SIGNAL * i;
      const [baseline, traffic, behindUs, habit_us, spell] = packed.slice(at, at + OF_SIGNAL) as number[];
      return {
        ...{ kind, reason, function: fn, baseline, traffic, heard_us: state.heard_us - (behindUs as number) },
        ...{ habit_us, spell: spell || null },
      } as SignalRecord;
    }),
  };
}
