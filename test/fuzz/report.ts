/**
 * What the agent makes of drops, samples and losses, as far as its bounded tables go: they must give an entry that everybody
 * takes. It must not know where they come from.
 */
import { DropTable } from '../../agent/report/drops.ts';
import { Ledger } from '../../agent/report/ledger.ts';
import { SampleShelf } from '../../agent/report/samples.ts';
import type { DropRow } from '../../agent/source.ts';
import {
  checkEntry,
  type DropSample,
  decodeEntry,
  type Entry,
  encodeEntry,
  hostSubject,
  LIMITS,
  MAX_ENTRY_BYTES,
} from '../../proto/index.ts';
import { type Bound, must } from './target.ts';

const CELL = 'cell';
const HOST = 'host';
const SECOND_US = 1_000_000;
/** As the agent has them by default, and a few. */
const MOST_DROPS = 256;
const MOST_SAMPLES = 16;
const RULES = { jumpFactor: 4, jumpRate: 20 };

export class Report {
  readonly #drops: DropTable;
  readonly #samples = new SampleShelf(MOST_SAMPLES);
  readonly #ledger = new Ledger();
  #nowUs = SECOND_US;
  #events = 0;
  #mostDrops = 0;
  #mostSamples = 0;
  #mostLosses = 0;
  #mostBytes = 0;

  constructor() {
    this.#drops = new DropTable(RULES, 1, this.#nowUs);
  }

  drop(row: Readonly<DropRow>): void {
    for (const count of [row.events, row.packets, row.bytes]) {
      must(Number.isSafeInteger(count) && count >= 0, `a count is ${count}`);
    }
    must(row.offset >>> 0 === row.offset, `the offset is ${row.offset}`);
    this.#events += row.events;
    this.#drops.add(row, this.#nowUs);
  }

  wantsSample(reason: string, fn: string): boolean {
    return this.#samples.wants(reason, fn);
  }

  sample(sample: DropSample): void {
    this.#samples.add(sample);
  }

  loss(hop: string, count: number): void {
    this.#ledger.add('fuzz', hop, count, this.#nowUs);
  }

  /** Ends a second, and with it a window: whatever came in stands in an entry that passes all checks. */
  close(): void {
    this.#drops.tick(this.#nowUs, SECOND_US);
    const { drops, other } = this.#drops.report(MOST_DROPS);
    const reported = drops.reduce((sum, { events }) => sum + events, other?.events ?? 0);
    must(reported === this.#events, `the report has ${reported} events, and ${this.#events} were added`);
    const samples = this.#samples.list();
    const losses = this.#ledger.losses([]);
    const counts = { received_packets: 0, sent_packets: 0 };
    const entry: Entry = {
      envelope: {
        cell: CELL,
        host_id: HOST,
        incarnation: 'fuzz',
        seq: 1,
        oldest_seq: 1,
        boot_id: '',
        observed_us: this.#nowUs,
        items: [{ drop_report: { window_us: SECOND_US, ...counts, drops, other, samples } }],
        losses,
      },
    };
    const refused = checkEntry(entry, hostSubject(CELL, HOST));
    must(refused === null, `the entry would be refused: ${refused}`);
    const bytes = encodeEntry(entry);
    const decoded = decodeEntry(bytes).envelope?.items[0]?.drop_report;
    must(
      decoded?.drops.length === drops.length && decoded.samples.length === samples.length,
      'the entry lost some',
    );
    this.#mostDrops = Math.max(this.#mostDrops, drops.length);
    this.#mostSamples = Math.max(this.#mostSamples, samples.length);
    this.#mostLosses = Math.max(this.#mostLosses, losses.length);
    this.#mostBytes = Math.max(this.#mostBytes, bytes.length);

    this.#drops.reported(this.#nowUs);
    this.#samples.clear();
    this.#ledger.reported();
    this.#events = 0;
    this.#nowUs += SECOND_US;
  }

  /** The most that stood in any report. */
  bounds(): Bound[] {
    return [
      { name: 'drops in a report', value: this.#mostDrops, most: MOST_DROPS },
      { name: 'samples on the shelf', value: this.#mostSamples, most: MOST_SAMPLES },
      { name: 'losses in the ledger', value: this.#mostLosses, most: LIMITS.losses },
      { name: 'bytes of an entry', value: this.#mostBytes, most: MAX_ENTRY_BYTES },
    ];
  }
}
