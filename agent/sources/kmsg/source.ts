/**
 * The source `kmsg`: the running kernel's own oopses, lockups and warnings, from /dev/kmsg. Tells of the first sign of
 * trouble at once, and of the log around it when it has come to rest. docs/sources/kmsg.md says what is reported.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Beginning,
  isGraver,
  isMark,
  KmsgRecord,
  MOST_KMSG_BYTES,
  mayBeTrouble,
  troubleIn,
} from '@netfall/crash';
import type { CrashWitness } from '@netfall/proto';
import { ReadableWatch } from '../../kernel/readable-watch.ts';
import type { Collector, CrashFindings, Probe, Source } from '../../source.ts';
import { findingsOf, witnessOf } from '../findings.ts';
import { Seen } from '../seen.ts';
import { type KmsgDevice, openKmsg } from './device.ts';
import { Episode, type Moment } from './episode.ts';
import { History } from './history.ts';
import { HourlyLimit } from './limit.ts';
import { probeKmsg } from './probe.ts';

export interface KmsgOptions {
  /** Replaces `/`. */
  readonly root: string;
  /** Records of a kind of trouble that are reported in an hour. */
  readonly maxRecordsPerHour: number;
  readonly nowUs: () => number;
  /** Says that what was just found must go out at once. */
  readonly urgent: () => void;
  /** The agent's folder. */
  readonly data: string | undefined;
  /** Default: the one under the root. */
  readonly open?: (path: string) => KmsgDevice;
}

const NAME = 'kmsg';
/** Text of messages that is kept of what came before a crash. */
const HISTORY_BYTES = 64 * 1024;
/** Messages that are read at a turn of the event loop. */
const MOST_A_TURN = 256;
/** Reports that may wait to be collected before reading goes on. */
const MOST_WAITING = 4;
/** The longest stretch of a message that is looked at, bytes. */
const MOST_LINE = 1024;

/** What waits to be collected. */
type Outgoing =
  | { readonly witness: CrashWitness }
  | { readonly findings: CrashFindings; readonly log: Uint8Array; readonly lastSeq: number };

export class KmsgSource implements Source {
  readonly name = NAME;
  readonly #options: KmsgOptions;
  readonly #limit: HourlyLimit;
  readonly #record = new KmsgRecord();
  readonly #bytes = new Uint8Array(MOST_KMSG_BYTES);
  readonly #lines = new Uint8Array(2 * MOST_KMSG_BYTES);
  #device: KmsgDevice | undefined;
  #watch: ReadableWatch | undefined;
  #seen: Seen | undefined;
  #bootId = '';
  #kernel = '';
  #history = new History(HISTORY_BYTES);
  #episode: Episode | undefined;
  #outgoing: Outgoing[] = [];
  #losses: Record<string, number> = {};
  /** Number of the next message; -1 before the first. */
  #nextSeq = -1;
  /** Of messages up to this one all was reported. */
  #toldSeq = -1;
  /** The kernel's clock at the newest message. */
  #uptimeUs = 0;
  /** When the kernel's clock began by the agent's, as far as could be told at the start; NaN when it could not. */
  #bootUs = Number.NaN;
  /** Whether all that was printed before the start has been read. */
  #caughtUp = false;
  #finishing = false;

  constructor(options: KmsgOptions) {
    this.#options = options;
    this.#limit = new HourlyLimit(options.maxRecordsPerHour, options.nowUs);
  }

  probe(): Probe {
    return probeKmsg(this.#path('dev/kmsg'));
  }

  /** Begins at the oldest message that the kernel still has. @throws Error of fs */
  start(): void {
    const { data, nowUs, open = openKmsg } = this.#options;
    this.#bootId = this.#line('proc/sys/kernel/random/boot_id');
    this.#kernel = this.#line('proc/sys/kernel/osrelease');
    this.#seen ??= new Seen(data === undefined ? undefined : join(data, `${NAME}.seen`), 1);
    const [boot, seq] = this.#seen.newest?.split(' ') ?? [];
    this.#toldSeq = boot === this.#bootId ? Number(seq) : -1;
    this.#bootUs = nowUs() - Math.round(Number.parseFloat(this.#line('proc/uptime')) * 1_000_000);
    this.#history = new History(HISTORY_BYTES);
    this.#episode = undefined;
    this.#outgoing = [];
    this.#nextSeq = -1;
    this.#uptimeUs = 0;
    this.#caughtUp = this.#finishing = false;
    this.#device = open(this.#path('dev/kmsg'));
    const { fd } = this.#device;
    if (fd !== undefined) this.#watch = new ReadableWatch(fd, () => this.#onReadable());
  }

  collect(into: Collector): void {
    // What was handed over the last time stands in a message by now.
    this.#seen?.save();
    this.#handOver(into);
    this.#read();
    if (this.#finishing) this.#close();
    else this.#settle(this.#now());
    this.#handOver(into);
    for (const [hop, count] of Object.entries(this.#losses)) into.loss(hop, count);
    this.#losses = {};
  }

  /** What has not come to rest is reported as it is. */
  finish(): void {
    this.#finishing = true;
  }

  remark(): string {
    return this.#seen?.remark ?? '';
  }

  stop(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#device?.close();
    this.#device = undefined;
    this.#seen?.save();
  }

  #onReadable(): boolean {
    let more = false;
    try {
      more = this.#read();
    } catch {
      // The next collection meets the same error, where it can be told.
      this.#watch?.close();
    }
    if (this.#outgoing.length > 0) this.#options.urgent();
    return more;
  }

  /** Reads some messages. Returns whether there may be more. */
  #read(): boolean {
    const device = this.#device;
    for (let i = 0; device && i < MOST_A_TURN && this.#outgoing.length < MOST_WAITING; i++) {
      const length = device.read(this.#bytes);
      if (length === 0) {
        this.#caughtUp = true;
        return false;
      }
      // The number of the next one says how many were overwritten.
      if (length === -1) continue;
      if (this.#record.read(this.#bytes, length)) this.#take(this.#record);
      else this.#lost('malformed', 1);
    }
    return this.#outgoing.length < MOST_WAITING;
  }

  #take(record: KmsgRecord): void {
    const missing = this.#nextSeq < 0 ? 0 : record.seq - this.#nextSeq;
    if (missing > 0) this.#miss(missing);
    this.#nextSeq = record.seq + 1;
    this.#uptimeUs = Math.max(this.#uptimeUs, record.uptimeUs);
    const now = this.#now();
    this.#settle(now);
    const printedUs = this.#printedUs(record);
    const beginning = this.#signIn(record);
    // An oops has to be told of at once, also on the heels of a warning.
    if (this.#episode && beginning && isGraver(beginning.kind, this.#episode.beginning.kind)) this.#close();
    if (beginning && this.#episode) this.#episode.sign(now);
    else if (beginning) this.#begin(beginning, record.seq, printedUs, now);
    const length = record.print(this.#lines);
    this.#history.add(this.#lines, length);
    this.#episode?.add(this.#lines, length, record.seq, printedUs);
  }

  #miss(messages: number): void {
    this.#lost('overwritten', messages);
    this.#history.gap(messages);
    this.#episode?.gap(messages);
  }

  /** What a message begins to tell of, when it is the kernel's own and was not reported before. */
  #signIn(record: KmsgRecord): Beginning | null {
    if (record.facility !== 0 || record.seq <= this.#toldSeq) return null;
    if (!mayBeTrouble(record.text, 0)) return null;
    const text = record.firstLine(MOST_LINE);
    const kind = troubleIn(text);
    // Behind a mark comes the line that says what it is.
    return kind === null || isMark(text) ? null : { kind, text, uptimeUs: record.uptimeUs };
  }

  #begin(beginning: Beginning, seq: number, firstUs: number, moment: Moment): void {
    if (!this.#limit.take(beginning.kind)) {
      this.#lost('rate_limited', 1);
      return;
    }
    this.#episode = new Episode({ beginning, seq, firstUs, before: this.#history.copy(), moment });
    this.#outgoing.push({ witness: witnessOf(this.#known(this.#episode), beginning) });
  }

  /** Reports and ends the episode when it is time. */
  #settle(now: Moment): void {
    const over = this.#episode?.isOver(now);
    if (this.#episode && !this.#episode.told && (over || this.#episode.isDue(now)))
      this.#report(this.#episode, now);
    if (over) this.#episode = undefined;
  }

  #close(): void {
    if (this.#episode && !this.#episode.told) this.#report(this.#episode, this.#now());
    this.#episode = undefined;
  }

  #report(episode: Episode, now: Moment): void {
    const log = episode.report(now);
    const findings = findingsOf(this.#known(episode), log);
    this.#outgoing.push({ findings, log: log.bytes, lastSeq: episode.lastSeq });
  }

  #known(episode: Episode) {
    const { beginning, firstSeq, firstUs, lastUs, revision, lostMessages } = episode;
    return {
      record: `${NAME}-${this.#bootId}-${firstSeq}`,
      source: NAME,
      ...{ beginning, firstUs, lastUs, revision, lostMessages },
      bootId: this.#bootId,
      kernel: this.#kernel,
    };
  }

  #handOver(into: Collector): void {
    for (let next = this.#outgoing[0]; next; next = this.#outgoing[0]) {
      if ('witness' in next) {
        if (into.witness?.(next.witness) === false) return;
      } else {
        if (into.crash?.(next.findings, next.log) === false) return;
        this.#toldSeq = next.lastSeq;
        this.#seen?.add(`${this.#bootId} ${next.lastSeq}`);
      }
      this.#outgoing.shift();
    }
  }

  #lost(hop: string, count: number): void {
    this.#losses[hop] = Math.min(Number.MAX_SAFE_INTEGER, (this.#losses[hop] ?? 0) + count);
  }

  #now(): Moment {
    return { uptimeUs: this.#uptimeUs, readUs: this.#options.nowUs() };
  }

  /** When a message was printed, microseconds since the Unix epoch. */
  #printedUs(record: KmsgRecord): number {
    const nowUs = this.#options.nowUs();
    // The kernel's clock and this one drift apart: only what was printed before the start goes by it.
    if (this.#caughtUp || Number.isNaN(this.#bootUs)) return nowUs;
    return Math.min(nowUs, this.#bootUs + record.uptimeUs);
  }

  #path(name: string): string {
    return join(this.#options.root, name);
  }

  /** A file of one line; '' when it cannot be read. */
  #line(name: string): string {
    try {
      return readFileSync(this.#path(name), 'utf8').trim();
    } catch {
      return '';
    }
  }
}
