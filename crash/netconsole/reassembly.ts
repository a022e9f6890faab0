/**
 * Reassembly of netconsole: datagrams of any number of hosts in, in any order; crashes out, each with what was said before it.
 * Bounded in hosts, bytes and time. Pure: addresses, bytes and the time come from outside.
 *
 * A host's console tells of everything, so what it sent last is kept and forgotten again until there is a sign of trouble. From
 * there on everything is kept until nothing came for a while, the trouble is long over, the host has booted anew, or there is
 * enough of it.
 */
import { Admission, type AdmissionLimits } from '../admission.ts';
import { Blocks } from '../blocks.ts';
import { byUsefulness, type HeardCrash, type HeardEvents, type Reassembly } from '../heard.ts';
import { readLine } from '../line.ts';
import type { SenderKey } from '../senders.ts';
import { EPISODE_GAP_US, isGraver, isLast, isMark, mayBeTrouble, troubleIn } from '../trouble.ts';
import { NetconsolePacket } from './packet.ts';
import { msgidIn, textStart, uptimeAt } from './scan.ts';
import { Crash, STREAM, Stream } from './stream.ts';

export interface NetconsoleOptions {
  readonly limits: AdmissionLimits;
  /** Bytes that are kept, of all senders together. */
  readonly maxBytes: number;
  /** Bytes that are kept of a host while all is well, to tell what was before the trouble. */
  readonly contextBytes: number;
  /** Bytes that are kept of a crash, with what was before. */
  readonly maxLogBytes: number;
  /** How long nothing must come for a crash to be over, microseconds. */
  readonly quietUs: number;
  /** How long a crash may take in all, microseconds. */
  readonly longestUs: number;
  readonly isKnown: (key: SenderKey) => boolean;
  readonly seed: number;
}

/** Holds the longest datagram, with room for its entry. */
const BLOCK_BYTES = 2048;
/** When the last words of a panic were heard, nothing more is to be expected. */
const QUIET_AFTER_LAST_US = 1_000_000;
/** Crashes of one sender that wait to be told of, and of all: of more the oldest are given up. */
const MOST_OVER_OF_A_SENDER = 4;
const MOST_OVER = 256;
/** Lines of a datagram that are looked at more closely: of a report in one datagram the first tell what it is. */
const MOST_LOOKS = 16;
/** So many datagrams of a host make it more than a stranger. */
const ESTABLISHED_DATAGRAMS = 8;
/** How useful a crash is, besides its datagrams. */
const CRASH_USEFULNESS = 1_000_000;
/** The longest line that is looked at, bytes. */
const MOST_LINE = 300;
const NEWLINE = 0x0a;

export class NetconsoleReassembly implements Reassembly {
  readonly #options: NetconsoleOptions;
  readonly #events: HeardEvents;
  readonly #admission: Admission;
  readonly #blocks: Blocks;
  readonly #contextBlocks: number;
  readonly #mostBlocks: number;
  readonly #packet = new NetconsolePacket();
  readonly #streams: Stream[] = [];
  /** Streams with a crash that goes on. */
  readonly #open = new Set<Stream>();
  /** Crashes that are over and were not told of. */
  readonly #over = new Set<Crash>();
  /** Crashes that were told of last: their logs are let go at the next settlement. */
  #told: Crash[] = [];
  #isAnyWhole = false;
  #malformed = 0;
  #noRoom = 0;
  #networkLost = 0;

  constructor(options: NetconsoleOptions, events: HeardEvents) {
    const { limits, isKnown, seed } = options;
    this.#options = options;
    this.#events = events;
    this.#blocks = new Blocks(BLOCK_BYTES, options.maxBytes);
    this.#contextBlocks = Math.max(1, Math.ceil(options.contextBytes / BLOCK_BYTES));
    this.#mostBlocks = Math.max(this.#contextBlocks + 1, Math.floor(options.maxLogBytes / BLOCK_BYTES));
    this.#admission = new Admission({ limits, isKnown, seed, evict: (sender) => this.#evict(sender) });
  }

  get senders(): number {
    return this.#admission.senders.size;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#blocks.taken * BLOCK_BYTES;
  }

  get isAnyWhole(): boolean {
    return this.#isAnyWhole;
  }

  take(key: SenderKey, bytes: Buffer, start: number, end: number, nowUs: number): void {
    const packet = this.#packet;
    if (end === start || !packet.read(bytes, start, end)) {
      this.#malformed++;
      return;
    }
    key.stream = packet.isExtended ? STREAM.extended : STREAM.basic;
    const sender = this.#admission.admit(key, nowUs);
    if (sender < 0) return;
    const stream = this.#streamOf(sender);
    const uptimeUs = packet.isExtended ? packet.uptimeUs : uptimeAt(bytes, start, end);
    if (stream.isReboot(uptimeUs, packet.isExtended ? packet.seq : -1)) this.#reboot(stream);
    stream.uptimeUs = Math.max(stream.uptimeUs, uptimeUs);
    stream.seq = Math.max(stream.seq, packet.seq);
    if (!this.#keep(stream, bytes)) {
      this.#noRoom++;
      if (stream.tape.length === 0) this.#admission.remove(sender);
      return;
    }
    stream.heard(packet, bytes);
    if (packet.fragmentOffset === 0) this.#look(stream, bytes, uptimeUs, nowUs);
    if (packet.isExtended) {
      const isCut = packet.fragmentOffset + end - packet.bodyStart < packet.fragmentLength;
      this.#networkLost += stream.count(msgidIn(bytes, packet.bodyStart, end, isCut));
    }
    const { crash } = stream;
    if (!crash) {
      stream.tape.cut(this.#contextBlocks);
    } else {
      crash.lastUs = nowUs;
      crash.parts++;
      if (stream.tape.length >= this.#mostBlocks) {
        crash.isCut = true;
        this.#finish(stream);
      }
    }
    const usefulness = Math.min(stream.datagrams, CRASH_USEFULNESS) + (crash ? CRASH_USEFULNESS : 0);
    const isEstablished = crash !== null || stream.datagrams >= ESTABLISHED_DATAGRAMS;
    this.#admission.value(sender, usefulness, isEstablished);
  }

  settle(nowUs: number, wants: (crash: HeardCrash) => boolean): HeardCrash[] {
    for (const stream of this.#open) if (this.#isOver(stream.crash!, nowUs)) this.#finish(stream);
    this.#isAnyWhole = false;
    const told = this.#tell(wants);
    for (const crash of this.#over) if (nowUs - crash.lastUs > this.#options.longestUs) this.#giveUp(crash);
    return told;
  }

  settleAll(wants: (crash: HeardCrash) => boolean): HeardCrash[] {
    for (const stream of this.#open) this.#finish(stream);
    return this.#tell(wants);
  }

  #tell(wants: (crash: HeardCrash) => boolean): HeardCrash[] {
    for (const crash of this.#told) crash.tape.cut(0);
    this.#told = [...this.#over].sort(byUsefulness).filter(wants);
    for (const crash of this.#told) {
      crash.revision++;
      this.#withdraw(crash);
    }
    return this.#told;
  }

  takeLosses(report: (hop: string, count: number) => void): void {
    this.#admission.takeRefused(report);
    if (this.#malformed > 0) report('malformed', this.#malformed);
    if (this.#noRoom > 0) report('no_room', this.#noRoom);
    this.#malformed = this.#noRoom = 0;
    // Below zero when more came late than was missing since: it is taken from what is missing next.
    if (this.#networkLost <= 0) return;
    report('network', this.#networkLost);
    this.#networkLost = 0;
  }

  #streamOf(sender: number): Stream {
    let stream = this.#streams[sender];
    if (!stream) {
      stream = new Stream(sender, this.#blocks);
      this.#streams[sender] = stream;
    }
    return stream;
  }

  /** Whether there was room for the datagram, or could be made. */
  #keep(stream: Stream, bytes: Buffer): boolean {
    const { bodyStart, bodyEnd } = this.#packet;
    for (;;) {
      if (stream.tape.add(this.#packet, bytes, bodyStart, bodyEnd)) return true;
      if (!stream.crash && stream.tape.length > 1) stream.tape.cut(stream.tape.length - 1);
      else if (!this.#admission.makeRoom(stream.sender) && !this.#giveUpOldest()) return false;
    }
  }

  /** Looks for signs of trouble in a datagram: an extended one is one message, a basic one some lines. */
  #look(stream: Stream, bytes: Buffer, uptimeUs: number, nowUs: number): void {
    const { isExtended, bodyStart, bodyEnd } = this.#packet;
    let looks = 0;
    for (let at = bodyStart; at < bodyEnd && looks < MOST_LOOKS; ) {
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline < 0 || newline > bodyEnd ? bodyEnd : newline;
      const text = isExtended ? at : textStart(bytes, at, end);
      if (mayBeTrouble(bytes, text)) {
        looks++;
        const line = bytes.toString('latin1', at, Math.min(end, at + MOST_LINE));
        this.#lookAt(stream, isExtended ? { text: line, uptimeUs } : readLine(line), nowUs);
      }
      // What follows the first line of an extended one is not the message's.
      if (isExtended) return;
      at = end + 1;
    }
  }

  #lookAt(stream: Stream, line: { readonly text: string; readonly uptimeUs: number }, nowUs: number): void {
    const kind = troubleIn(line.text);
    if (kind === null) {
      if (stream.crash && isLast(line.text)) stream.crash.isEnded = true;
      return;
    }
    const beginning = { ...line, kind };
    const { crash } = stream;
    if (crash) {
      crash.troubleUs = nowUs;
      const { text, kind: before } = crash.beginning;
      if (isMark(line.text) || !(isMark(text) || isGraver(kind, before))) return;
      crash.beginning = beginning;
      this.#events.began(crash);
      return;
    }
    const { senders } = this.#admission;
    const isKnown = this.#admission.isKnown(stream.sender);
    stream.crash = new Crash(senders.keyOf(stream.sender), isKnown, stream, beginning, nowUs);
    this.#open.add(stream);
    if (!isMark(line.text)) this.#events.began(stream.crash);
  }

  #isOver(crash: Crash, nowUs: number): boolean {
    crash.follow(nowUs);
    const { quietUs, longestUs } = this.#options;
    return (
      nowUs - crash.lastUs >= (crash.isEnded ? QUIET_AFTER_LAST_US : quietUs) ||
      nowUs - crash.troubleUs >= EPISODE_GAP_US ||
      nowUs - crash.firstUs >= longestUs
    );
  }

  /** A crash is over: it keeps the tape, and the stream goes on with a new one. */
  #finish(stream: Stream): void {
    const { crash } = stream;
    if (!crash) return;
    this.#open.delete(stream);
    this.#over.add(crash);
    stream.over.push(crash);
    this.#isAnyWhole = true;
    stream.begin();
    const [oldest] = stream.over;
    if (oldest && stream.over.length > MOST_OVER_OF_A_SENDER) this.#giveUp(oldest);
    if (this.#over.size > MOST_OVER) this.#giveUpOldest();
  }

  /** Takes a crash from those that wait. */
  #withdraw(crash: Crash): void {
    this.#over.delete(crash);
    const { over } = crash.stream;
    const at = over.indexOf(crash);
    if (at >= 0) over.splice(at, 1);
  }

  #reboot(stream: Stream): void {
    if (stream.crash) this.#finish(stream);
    else stream.tape.cut(0);
    stream.restarted();
  }

  /** Gives up the oldest crash that waits, of a stranger where there is one. Returns whether there was any. */
  #giveUpOldest(): boolean {
    let victim: Crash | undefined;
    for (const crash of this.#over) {
      victim ??= crash;
      if (crash.isKnown) continue;
      victim = crash;
      break;
    }
    if (victim) this.#giveUp(victim);
    return victim !== undefined;
  }

  #giveUp(crash: Crash): void {
    this.#withdraw(crash);
    this.#events.lost(crash);
    crash.tape.cut(0);
  }

  #evict(sender: number): void {
    const stream = this.#streams[sender];
    if (!stream) return;
    const { crash } = stream;
    this.#open.delete(stream);
    if (crash) crash.isCut = true;
    if (crash) this.#events.lost(crash);
    stream.crash = null;
    stream.over.length = 0;
    stream.tape.cut(0);
    stream.restarted();
    stream.datagrams = 0;
  }
}
