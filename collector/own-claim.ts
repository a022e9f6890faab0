/**
 * The claim on sending notifications, as one run of a replica has it: takes it when it is free, renews it while it is
 * held, gives it up at the end. Who holds it, the fold says; whether that can be gone by, the replica knows.
 */
import type { Appender } from './appender.ts';
import type { ClaimRecord } from './fold/fold.ts';

const LEASE_US = 15_000_000;
/** A holder stops sending this long before its lease ends by its own estimate of log time. */
const LEASE_MARGIN_US = 2_000_000;

export interface FoldedClaim {
  readonly claim: ClaimRecord;
  /** Log time now, as far as it can be told. */
  readonly nowUs: number;
}

export class OwnClaim {
  readonly #appender: Appender;
  readonly #folded: () => FoldedClaim | null;
  /** Whether this run may hold the claim: it appended one, or nobody knows. */
  #claimed = false;
  #claiming: Promise<void> = Promise.resolve();

  /** @param folded the claim as it stands; null while this replica does not see what becomes of it. */
  constructor(appender: Appender, folded: () => FoldedClaim | null) {
    this.#appender = appender;
    this.#folded = folded;
  }

  /** Whether this run holds it by the log's order, and still will for a moment. */
  isHeld(): boolean {
    const folded = this.#folded();
    if (!folded || folded.claim.holder !== this.#appender.holder) return false;
    return folded.nowUs + LEASE_MARGIN_US < folded.claim.until_us;
  }

  /** Claims when it is free, or held already. Does not fail: the next time comes soon. */
  renew(): Promise<void> {
    this.#claiming = this.#claiming.then(() => this.#renew());
    return this.#claiming;
  }

  /** Gives it up; call when `folded` gives null for good. */
  async release(): Promise<void> {
    // A renewal under way would come behind the release, or instead of it.
    await this.#claiming;
    if (this.#claimed) await this.#appender.claim(0).catch(() => {});
  }

  async #renew(): Promise<void> {
    const folded = this.#folded();
    if (!folded) return;
    const { claim, nowUs } = folded;
    if (claim.holder !== this.#appender.holder && nowUs < claim.until_us) return;
    this.#claimed = true;
    await this.#appender.claim(LEASE_US).catch(() => {});
  }
}
