/**
 * A reassembly under test: feeds it datagrams of many senders, some of them the operator's own, and checks that what comes out
 * is a report that everybody takes, and that nothing is kept beyond its bound. It must not know protocols.
 */
import { reportOf, witnessOf } from '../../agent/relay/findings.ts';
import type { HeardCrash, HeardEvents, Reassembly, SenderKey } from '../../crash/index.ts';
import {
  checkEntry,
  decodeEntry,
  encodeEntry,
  hostSubject,
  type Item,
  MAX_ENTRY_BYTES,
} from '../../proto/index.ts';
import { type Bound, must } from './target.ts';

/** Of an input: who sends it, and how much time passes before it, in steps of 1 ms. */
export const ENVELOPE_BYTES = 4;
const STEP_US = 1000;
const OWN = 3;
const WANTED = 8;

/** What stands before the `i`th datagram of a corpus: some come of one sender, so that they belong together. */
export function envelope(i: number): Buffer {
  return Buffer.from([i % 3 === 0 ? i : i % 8, 0, 1, 0]);
}

/** As small as tables and memory may be, so that they are full most of the time. */
export const SMALL = {
  limits: { senders: 48, newSendersPerS: 100, senderPerS: 40, senderBurst: 80, totalPerS: 400 },
  maxBytes: 128 * 1024,
  maxLogBytes: 64 * 1024,
  seed: 1,
  isKnown: ({ d }: SenderKey) => d < OWN,
} as const;

/** The form of a reassembly that both protocols have. */
interface Measured extends Reassembly {
  readonly senders: number;
  readonly bytes: number;
}

export class RelayBed {
  readonly #reassembly: Measured;
  readonly #key: SenderKey = { a: 0, b: 0, c: 0xffff, d: 0, stream: 0 };
  readonly #source: string;
  readonly totals = { begun: 0, settled: 0, lost: 0, holes: 0, refused: 0 };
  #nowUs = 1_700_000_000_000_000;
  #mostSenders = 0;
  #mostBytes = 0;

  constructor(source: string, make: (events: HeardEvents) => Measured) {
    this.#source = source;
    this.#reassembly = make({
      began: (crash) => {
        this.totals.begun++;
        check({ crash_witness: witnessOf(crash, source, 'r') });
      },
      lost: (crash) => {
        this.totals.lost++;
        check({ crash_report: this.#report(crash, 1) });
      },
    });
  }

  /** Takes the input `[0, length)`. */
  take(bytes: Buffer, length: number): void {
    const key = this.#key;
    key.d = bytes.readUInt16LE(0) & 0x7f;
    key.stream = 0;
    this.#nowUs += (bytes[2]! & 0x0f) * STEP_US;
    this.#reassembly.take(key, bytes, ENVELOPE_BYTES, length, this.#nowUs);
    this.#mostSenders = Math.max(this.#mostSenders, this.#reassembly.senders);
    this.#mostBytes = Math.max(this.#mostBytes, this.#reassembly.bytes);
  }

  settle(): void {
    let wanted = 0;
    const crashes = this.#reassembly.settle(this.#nowUs, () => wanted < WANTED && ++wanted > 0);
    for (const crash of crashes) check({ crash_report: this.#report(crash, 0) });
    this.totals.settled += crashes.length;
    this.#reassembly.takeLosses((hop, count) => {
      must(Number.isSafeInteger(count) && hop !== '', `lost ${count} at ${hop}`);
      if (hop.endsWith('_limited')) this.totals.refused += count;
    });
  }

  bounds(): Bound[] {
    return [
      { name: 'senders', value: this.#mostSenders, most: SMALL.limits.senders },
      { name: 'bytes kept', value: this.#mostBytes, most: SMALL.maxBytes },
    ];
  }

  #report(crash: HeardCrash, later: number) {
    const { findings, log } = reportOf(crash, this.#source, 'r');
    must(crash.parts > 0, 'a crash of which nothing is left');
    must(log.length > 0 || findings.holes.length > 0, 'a log that is neither there nor missing');
    let last = -1;
    for (const { at } of findings.holes) {
      must(at >= last && at <= log.length, `a hole at ${at} of ${log.length} behind one at ${last}`);
      last = at;
    }
    this.totals.holes += findings.holes.length;
    return { ...findings, revision: findings.revision + later, digest: '0'.repeat(64), bytes: log.length };
  }
}

/** Throws a finding when an item is none that collectors take. */
function check(item: Item): void {
  const envelope = {
    ...{
      cell: 'cell',
      host_id: 'host',
      incarnation: 'i',
      seq: 1,
      oldest_seq: 1,
      boot_id: '',
      observed_us: 0,
    },
    ...{ items: [item], losses: [] },
  };
  const bytes = encodeEntry({ envelope });
  must(bytes.length <= MAX_ENTRY_BYTES, `an entry of ${bytes.length} bytes`);
  const bad = checkEntry(decodeEntry(bytes), hostSubject('cell', 'host'));
  must(bad === null, `an entry that is refused: ${bad}`);
}
