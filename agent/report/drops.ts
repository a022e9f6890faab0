/**
 * The drops of one window, by kind. Adding to a kind that is known allocates nothing; what has no room is folded into
 * "other", so that totals stay exact. It must not know where drops come from or when a window ends.
 */
import { type Drop, DropOrigin, LIMITS, type OtherDrops } from '@netfall/proto';
import type { DropRow } from '../source.ts';
import type { AuditDrop } from './audit.ts';
import { Trend, type TrendRules } from './trend.ts';

/** Kinds known at a time; more than the kernel map of `kfree-skb` has entries by default. */
const MOST_KINDS = 16_384;
/** A kind that has not been seen for this long is forgotten, and new when it comes back. */
const FORGET_US = 600_000_000;
const SWEEP_EVERY_US = 60_000_000;

/** The unit of "what is new": how a drop is recognised across kernel builds. */
interface Signature {
  readonly reason: string;
  readonly function: string;
  /** By offset; kinds of the same offset are chained. */
  readonly kinds: Map<number, Kind>;
  readonly trend: Trend;
  /** In this window. */
  events: number;
  /** Whether a message has told of it. */
  known: boolean;
  /** Whether it is in `#ticked` and in `#active`. */
  ticked: boolean;
  active: boolean;
}

interface Kind {
  readonly signature: Signature;
  readonly offset: number;
  readonly module: string;
  readonly protocol: string;
  readonly origin: number;
  readonly trap: string;
  readonly next: Kind | undefined;
  events: number;
  packets: number;
  bytes: number;
  lastUs: number;
}

export class DropTable {
  readonly #rules: TrendRules;
  readonly #newSignatureEvents: number;
  readonly #reasons = new Map<string, Map<string, Signature>>();
  #size = 0;
  /** Signatures that moved since the last tick, and since the last message. */
  readonly #ticked: Signature[] = [];
  readonly #active: Signature[] = [];
  /** Drops of kinds beyond MOST_KINDS. */
  readonly #spilled = { kinds: 0, events: 0, packets: 0, bytes: 0 };
  #sweptUs: number;

  constructor(rules: TrendRules, newSignatureEvents: number, nowUs: number) {
    this.#rules = rules;
    this.#newSignatureEvents = newSignatureEvents;
    this.#sweptUs = nowUs;
  }

  /** Adds a row whose numbers have been checked. */
  add(row: Readonly<DropRow>, nowUs: number): void {
    const kind = this.#kind(row);
    const into = kind ?? this.#spilled;
    into.events = sum(into.events, row.events);
    into.packets = sum(into.packets, row.packets);
    into.bytes = sum(into.bytes, row.bytes);
    if (!kind) {
      this.#spilled.kinds++;
      return;
    }
    kind.lastUs = nowUs;
    const { signature } = kind;
    signature.events = sum(signature.events, row.events);
    signature.trend.add(row.events);
    if (!signature.ticked) {
      signature.ticked = true;
      this.#ticked.push(signature);
    }
    if (!signature.active) {
      signature.active = true;
      this.#active.push(signature);
    }
  }

  /** Ends a tick of `elapsedUs`. Returns whether a new signature appeared or a rate jumped. */
  tick(nowUs: number, elapsedUs: number): boolean {
    let changed = false;
    for (const signature of this.#ticked) {
      signature.ticked = false;
      if (signature.trend.tick(nowUs, elapsedUs, this.#rules)) changed = true;
      if (!signature.known && signature.events >= this.#newSignatureEvents) changed = true;
    }
    this.#ticked.length = 0;
    return changed;
  }

  /** The window's drops, the most packets first; at most `most` of them and the rest in one. */
  report(most: number): { drops: Drop[]; other: OtherDrops | null } {
    const moved = this.#moved();
    moved.sort((a, b) => b.packets - a.packets || b.events - a.events);
    const other = { ...this.#spilled };
    for (const kind of moved.slice(most)) {
      other.kinds = Math.min(0xffff_ffff, other.kinds + 1);
      other.events = sum(other.events, kind.events);
      other.packets = sum(other.packets, kind.packets);
      other.bytes = sum(other.bytes, kind.bytes);
    }
    return { drops: moved.slice(0, most).map(toDrop), other: other.kinds > 0 ? other : null };
  }

  /** What the kernel dropped in the window. */
  inSoftware(): AuditDrop[] {
    return this.#moved()
      .filter(({ origin }) => origin === DropOrigin.DROP_ORIGIN_SOFTWARE)
      .map(({ signature, protocol, events }) => {
        return {
          reason: signature.reason.slice(0, LIMITS.string),
          function: signature.function.slice(0, LIMITS.string),
          protocol: protocol.slice(0, LIMITS.string),
          events,
        };
      });
  }

  #moved(): Kind[] {
    const moved: Kind[] = [];
    for (const signature of this.#active) {
      for (const first of signature.kinds.values()) {
        for (let kind: Kind | undefined = first; kind; kind = kind.next) {
          if (kind.events > 0 || kind.packets > 0 || kind.bytes > 0) moved.push(kind);
        }
      }
    }
    return moved;
  }

  /** A message told of everything up to now. */
  reported(nowUs: number): void {
    for (const signature of this.#active) {
      signature.known = true;
      signature.active = false;
      signature.events = 0;
      signature.trend.reported(nowUs);
      for (const first of signature.kinds.values()) {
        for (let kind: Kind | undefined = first; kind; kind = kind.next) {
          kind.events = 0;
          kind.packets = 0;
          kind.bytes = 0;
        }
      }
    }
    this.#active.length = 0;
    Object.assign(this.#spilled, { kinds: 0, events: 0, packets: 0, bytes: 0 });
    if (Math.abs(nowUs - this.#sweptUs) > SWEEP_EVERY_US) this.#sweep(nowUs);
  }

  #kind(row: Readonly<DropRow>): Kind | undefined {
    const reason = row.reason || 'NOT_SPECIFIED';
    const signature = this.#reasons.get(reason)?.get(row.function);
    const origin = row.origin ?? DropOrigin.DROP_ORIGIN_SOFTWARE;
    const trap = row.trap ?? '';
    const first = signature?.kinds.get(row.offset);
    for (let kind = first; kind; kind = kind.next) {
      if (
        kind.protocol === row.protocol &&
        kind.module === row.module &&
        kind.origin === origin &&
        kind.trap === trap
      ) {
        return kind;
      }
    }
    if (this.#size >= MOST_KINDS) return undefined;
    this.#size++;
    const owner = signature ?? this.#makeSignature(reason, row.function);
    const kind: Kind = {
      signature: owner,
      offset: row.offset,
      module: row.module,
      protocol: row.protocol,
      origin,
      trap,
      next: first,
      events: 0,
      packets: 0,
      bytes: 0,
      lastUs: 0,
    };
    owner.kinds.set(row.offset, kind);
    return kind;
  }

  #makeSignature(reason: string, name: string): Signature {
    const signature: Signature = {
      reason,
      function: name,
      kinds: new Map(),
      trend: new Trend(),
      events: 0,
      known: false,
      ticked: false,
      active: false,
    };
    let functions = this.#reasons.get(reason);
    if (!functions) {
      functions = new Map();
      this.#reasons.set(reason, functions);
    }
    functions.set(name, signature);
    return signature;
  }

  /** Forgets signatures none of whose kinds has been seen for long. Called between windows: none is active. */
  #sweep(nowUs: number): void {
    this.#sweptUs = nowUs;
    for (const [reason, functions] of this.#reasons) {
      for (const [name, signature] of functions) {
        let size = 0;
        let lastUs = 0;
        for (const first of signature.kinds.values()) {
          for (let kind: Kind | undefined = first; kind; kind = kind.next) {
            size++;
            lastUs = Math.max(lastUs, kind.lastUs);
          }
        }
        if (nowUs - lastUs <= FORGET_US) continue;
        this.#size -= size;
        functions.delete(name);
      }
      if (functions.size === 0) this.#reasons.delete(reason);
    }
  }
}

function toDrop(kind: Kind): Drop {
  return {
    reason: kind.signature.reason.slice(0, LIMITS.string),
    function: kind.signature.function.slice(0, LIMITS.string),
    offset: kind.offset,
    module: kind.module.slice(0, LIMITS.string),
    protocol: kind.protocol.slice(0, LIMITS.string),
    origin: kind.origin,
    trap: kind.trap.slice(0, LIMITS.string),
    events: kind.events,
    packets: kind.packets,
    bytes: kind.bytes,
  };
}

/** Stays within what an entry may say. */
function sum(a: number, b: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, a + b);
}
