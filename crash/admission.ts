/**
 * Whether a datagram is taken, by who sends it: per-sender and total rates, how many new senders a second, and room in the
 * table of senders. Pure; what senders send is not known here. Costs no allocation a datagram, and the less the more hostile
 * the load: a stranger beyond the limits costs one look into a table.
 */
import { ESTABLISHED, KNOWN, type SenderKey, Senders } from './senders.ts';

export interface AdmissionLimits {
  /** Senders of which something is kept at once. */
  readonly senders: number;
  /** New senders a second that are taken in the long run; as many as there is room for may come at once. */
  readonly newSendersPerS: number;
  /** Datagrams a second of one sender, in the long run, and at once. */
  readonly senderPerS: number;
  readonly senderBurst: number;
  /** Datagrams a second of all senders together. */
  readonly totalPerS: number;
}

export interface AdmissionOptions {
  readonly limits: AdmissionLimits;
  /** Whether the operator counts a sender among those that must be heard whatever others do. */
  readonly isKnown: (key: SenderKey) => boolean;
  /** A sender gives way to another: what is kept of it must be let go. */
  readonly evict: (sender: number) => void;
  /** See {@link Senders}. */
  readonly seed: number;
}

export class Admission {
  readonly senders: Senders;
  readonly #options: AdmissionOptions;
  readonly #known: Uint8Array;
  readonly #tokens: Float64Array;
  readonly #filledUs: Float64Array;
  readonly #total: Bucket;
  readonly #strangers: Bucket;
  #senderLimited = 0;
  #totalLimited = 0;
  #strangersLimited = 0;

  constructor(options: AdmissionOptions) {
    const { senders, totalPerS, newSendersPerS } = options.limits;
    this.#options = options;
    this.senders = new Senders(senders, options.seed);
    this.#known = new Uint8Array(senders);
    this.#tokens = new Float64Array(senders);
    this.#filledUs = new Float64Array(senders);
    this.#total = new Bucket(totalPerS, totalPerS);
    this.#strangers = new Bucket(newSendersPerS, senders);
  }

  /** The number of the sender of a datagram that is taken; -1 when it is refused, which is counted. */
  admit(key: SenderKey, nowUs: number): number {
    const { senders } = this;
    const sender = senders.find(key);
    if (sender < 0) return this.#admitNew(key, nowUs);
    // Its own limit first: what exceeds that must not use up what all have together.
    if (!this.#take(sender, nowUs)) {
      this.#senderLimited++;
      return -1;
    }
    if (this.#known[sender] === 0 && !this.#total.take(nowUs)) {
      this.#totalLimited++;
      return -1;
    }
    senders.heard(sender, nowUs);
    return sender;
  }

  /** Says how many datagrams were refused since the last call, by hop of the ledger. */
  takeRefused(report: (hop: string, count: number) => void): void {
    if (this.#senderLimited > 0) report('sender_limited', this.#senderLimited);
    if (this.#totalLimited > 0) report('total_limited', this.#totalLimited);
    if (this.#strangersLimited > 0) report('strangers_limited', this.#strangersLimited);
    this.#senderLimited = this.#totalLimited = this.#strangersLimited = 0;
  }

  isKnown(sender: number): boolean {
    return this.#known[sender] === 1;
  }

  /** How useful what a sender sent is; from `established` on it is no stranger any more. */
  value(sender: number, usefulness: number, established: boolean): void {
    this.senders.usefulness[sender] = usefulness;
    if (established && this.#known[sender] === 0) this.senders.stand(sender, ESTABLISHED);
  }

  /** Lets one sender go, so that there is room for what others send. Returns whether there was one, other than `but`. */
  makeRoom(but: number): boolean {
    const victim = this.senders.victim(but);
    if (victim < 0) return false;
    this.remove(victim);
    return true;
  }

  /** Forgets a sender; what is kept of it is let go. */
  remove(sender: number): void {
    this.#options.evict(sender);
    this.senders.remove(sender);
  }

  #admitNew(key: SenderKey, nowUs: number): number {
    const isKnown = this.#options.isKnown(key);
    if (!isKnown && !this.#strangers.take(nowUs)) {
      this.#strangersLimited++;
      return -1;
    }
    if (!isKnown && !this.#total.take(nowUs)) {
      this.#totalLimited++;
      return -1;
    }
    if (this.senders.size === this.senders.capacity) this.makeRoom(-1);
    const sender = this.senders.add(key, nowUs);
    this.#known[sender] = isKnown ? 1 : 0;
    this.#tokens[sender] = this.#options.limits.senderBurst - 1;
    this.#filledUs[sender] = nowUs;
    if (isKnown) this.senders.stand(sender, KNOWN);
    return sender;
  }

  #take(sender: number, nowUs: number): boolean {
    const { senderPerS, senderBurst } = this.#options.limits;
    const sinceUs = nowUs - this.#filledUs[sender]!;
    this.#filledUs[sender] = nowUs;
    const grown = this.#tokens[sender]! + (Math.max(0, sinceUs) * senderPerS) / 1_000_000;
    const tokens = Math.min(senderBurst, grown);
    this.#tokens[sender] = tokens < 1 ? tokens : tokens - 1;
    return tokens >= 1;
  }
}

/** So many a second in the long run, and so many at once. */
export class Bucket {
  readonly #perS: number;
  readonly #burst: number;
  #tokens: number;
  #filledUs = Number.NEGATIVE_INFINITY;

  constructor(perS: number, burst: number) {
    this.#perS = perS;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** How many there are. */
  available(nowUs: number): number {
    const sinceUs = nowUs - this.#filledUs;
    if (sinceUs !== 0) {
      this.#filledUs = nowUs;
      const grown = this.#tokens + (Math.max(0, sinceUs) * this.#perS) / 1_000_000;
      this.#tokens = Math.min(this.#burst, grown);
    }
    return Math.floor(this.#tokens);
  }

  /** Takes one, or so many; false when they are not there. */
  take(nowUs: number, count = 1): boolean {
    if (this.available(nowUs) < count) return false;
    this.#tokens -= count;
    return true;
  }
}
