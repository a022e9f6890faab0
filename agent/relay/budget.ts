/**
 * How much may be said of crashes that are heard, so that who sends datagrams cannot fill the log, the evidence or a disk. The
 * operator's own hosts have a share that strangers cannot use up. Pure.
 */
import { Bucket, type HeardCrash } from '@netfall/crash';

/** Witnesses, and reports: so many at once, and a second in the long run. */
const STRANGERS = { burst: 64, perS: 8 } as const;
const OWN = { burst: 512, perS: 64 } as const;
/** KiB of logs that strangers' reports may have: at once, and a second in the long run. */
const STRANGERS_KIB = { burst: 16 * 1024, perS: 1024 } as const;

export class Budget {
  readonly #witnesses = share();
  readonly #reports = share();
  readonly #kib = new Bucket(STRANGERS_KIB.perS, STRANGERS_KIB.burst);

  /** Takes one witness; false when there is none left. */
  witness(crash: HeardCrash, nowUs: number): boolean {
    return this.#of(this.#witnesses, crash).take(nowUs);
  }

  /** Whether a witness should go out at once: of strangers while they have not used up half of what they have at once. */
  isUrgent(crash: HeardCrash, nowUs: number): boolean {
    return crash.isKnown || this.#witnesses.strangers.available(nowUs) * 2 > STRANGERS.burst;
  }

  /** Takes one report, and a KiB for each part of its log; false when there is none left. */
  report(crash: HeardCrash, nowUs: number): boolean {
    const reports = this.#of(this.#reports, crash);
    if (reports.available(nowUs) < 1) return false;
    if (!crash.isKnown && !this.#kib.take(nowUs, Math.min(crash.parts, STRANGERS_KIB.burst))) return false;
    return reports.take(nowUs);
  }

  /** Takes what a log has beyond a KiB for each part, as far as that is there. */
  assembled(crash: HeardCrash, bytes: number, nowUs: number): void {
    const more = Math.ceil(bytes / 1024) - crash.parts;
    if (crash.isKnown || more <= 0) return;
    this.#kib.take(nowUs, Math.min(more, Math.max(0, this.#kib.available(nowUs))));
  }

  /** Whether a stranger's report, of the shortest log, would be taken. */
  mayReport(nowUs: number): boolean {
    return this.#reports.strangers.available(nowUs) > 0 && this.#kib.available(nowUs) > 0;
  }

  #of(of: ReturnType<typeof share>, { isKnown }: HeardCrash): Bucket {
    return isKnown ? of.own : of.strangers;
  }
}

function share() {
  return { strangers: new Bucket(STRANGERS.perS, STRANGERS.burst), own: new Bucket(OWN.perS, OWN.burst) };
}
