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
import {
  type AssembledLog,
  byUsefulness,
  type HeardCrash,
  type HeardEvents,
  type Reassembly,
} from '../heard.ts';
import { readLine } from '../line.ts';
import type { SenderKey } from '../senders.ts';
import {
  type Beginning,
  EPISODE_GAP_US,
  isGraver,
  isLast,
  isMark,
  mayBeTrouble,
  troubleIn,
} from '../trouble.ts';
import { NetconsolePacket } from './packet.ts';
import { Tape } from './tape.ts';
import { basicLog, extendedLog } from './text.ts';

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
/** A kernel's clock that goes back by more has begun anew. */
const REBOOT_US = 5_000_000;
/** So many datagrams of a host make it more than a stranger. */
const ESTABLISHED_DATAGRAMS = 8;
/** How useful a crash is, besides its datagrams. */
const CRASH_USEFULNESS = 1_000_000;
/** The longest line that is looked at, bytes. */
const MOST_LINE = 300;
const STREAM = { basic: 0, extended: 1 } as const;
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
    if (uptimeUs >= 0 && uptimeUs + REBOOT_US < stream.uptimeUs) this.#reboot(stream);
    stream.uptimeUs = Math.max(stream.uptimeUs, uptimeUs);
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
      if (stream.tape.length >= this.#mostBlocks) this.#finish(stream);
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
      this.#over.delete(crash);
    }
    return this.#told;
  }

  takeLosses(report: (hop: string, count: number) => void): void {
    this.#admission.takeRefused(report);
    if (this.#malformed > 0) report('malformed', this.#malformed);
    if (this.#noRoom > 0) report('no_room', this.#noRoom);
    if (this.#networkLost > 0) report('network', this.#networkLost);
    this.#malformed = this.#noRoom = this.#networkLost = 0;
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
      const [over] = this.#over;
      if (!stream.crash && stream.tape.length > 1) stream.tape.cut(stream.tape.length - 1);
      else if (!this.#admission.makeRoom(stream.sender)) {
        if (!over) return false;
        this.#giveUp(over);
      }
    }
  }

  /** Looks for signs of trouble in a datagram: an extended one is one message, a basic one some lines. */
  #look(stream: Stream, bytes: Buffer, uptimeUs: number, nowUs: number): void {
    const { isExtended, bodyStart, bodyEnd } = this.#packet;
    for (let at = bodyStart; at < bodyEnd; ) {
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline < 0 || newline > bodyEnd ? bodyEnd : newline;
      const text = isExtended ? at : textStart(bytes, at, end);
      if (mayBeTrouble(bytes, text)) {
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
      if (stream.crash && isLast(line.text)) {
        stream.crash.isEnded = true;
        this.#isAnyWhole = true;
      }
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
    this.#isAnyWhole = true;
    stream.begin();
  }

  #reboot(stream: Stream): void {
    if (stream.crash) this.#finish(stream);
    else stream.tape.cut(0);
    stream.restarted();
  }

  #giveUp(crash: Crash): void {
    this.#over.delete(crash);
    this.#events.lost(crash);
    crash.tape.cut(0);
  }

  #evict(sender: number): void {
    const stream = this.#streams[sender];
    if (!stream) return;
    const { crash } = stream;
    this.#open.delete(stream);
    if (crash) this.#events.lost(crash);
    stream.crash = null;
    stream.tape.cut(0);
    stream.restarted();
    stream.datagrams = 0;
  }
}

/** What one address sends of one kind. One object serves all that ever have its number. */
class Stream {
  readonly sender: number;
  readonly #blocks: Blocks;
  tape: Tape;
  crash: Crash | null = null;
  kernel = '';
  datagrams = 0;
  /** The newest that its kernel's clock said. */
  uptimeUs = 0;
  /** The newest number of a message, and which of the 32 before it came; -1 before the first. */
  #msgid = -1;
  #came = 0;

  constructor(sender: number, blocks: Blocks) {
    this.sender = sender;
    this.#blocks = blocks;
    this.tape = new Tape(blocks);
  }

  heard(packet: NetconsolePacket, bytes: Buffer): void {
    this.datagrams++;
    const length = packet.releaseEnd - packet.releaseStart;
    if (length > 0 && (length !== this.kernel.length || this.datagrams === 1)) {
      this.kernel = bytes.toString('latin1', packet.releaseStart, packet.releaseEnd);
    }
  }

  /** Takes a message's number. Returns how many messages are now known to be lost; one that came late takes one back. */
  count(msgid: number): number {
    if (msgid < 0) return 0;
    const step = this.#msgid < 0 ? 1 : (msgid - this.#msgid) | 0;
    if (step > 0) {
      this.#msgid = msgid;
      this.#came = step < 32 ? (this.#came << step) | 1 : 1;
      return step - 1;
    }
    if (step <= -32 || this.#came & (1 << -step)) return 0;
    this.#came |= 1 << -step;
    return -1;
  }

  /** Another tape, for what comes now. */
  begin(): void {
    this.crash = null;
    this.tape = new Tape(this.#blocks);
  }

  /** The host has booted anew, or it is another host. */
  restarted(): void {
    this.uptimeUs = 0;
    this.#msgid = -1;
    this.#came = 0;
    this.kernel = '';
  }
}

class Crash implements HeardCrash {
  readonly sender: SenderKey;
  readonly isKnown: boolean;
  readonly kernel: string;
  readonly boot = '';
  readonly duplicates = 0;
  readonly firstUs: number;
  readonly tape: Tape;
  beginning: Beginning;
  lastUs: number;
  /** When there was a sign of trouble last. */
  troubleUs: number;
  /** Whether the last words of a panic were heard. */
  isEnded = false;
  parts = 0;
  revision = 0;

  constructor(sender: SenderKey, isKnown: boolean, stream: Stream, beginning: Beginning, nowUs: number) {
    this.sender = sender;
    this.isKnown = isKnown;
    this.kernel = stream.kernel;
    this.tape = stream.tape;
    this.beginning = beginning;
    this.firstUs = this.lastUs = this.troubleUs = nowUs;
  }

  assemble(): AssembledLog {
    const isExtended = this.sender.stream === STREAM.extended;
    return isExtended ? extendedLog(this.tape.read(), this.beginning.uptimeUs) : basicLog(this.tape.read());
  }
}

const BRACKET = 0x5b;
const CLOSING = 0x5d;
const LESS = 0x3c;
const GREATER = 0x3e;
const SPACE = 0x20;

/** Where a line's text begins, behind `<6>`, `[   12.345678]` and `[   T12]`. */
function textStart(bytes: Buffer, start: number, end: number): number {
  let at = start;
  if (bytes[at] === LESS) at = skipTo(bytes, at, end, GREATER);
  while (bytes[at] === BRACKET) at = skipTo(bytes, at, end, CLOSING);
  return bytes[at] === SPACE ? at + 1 : at;
}

/** Behind the first `byte` within the next few; where it is not there, `at`+1 lest it be looked for again. */
function skipTo(bytes: Buffer, at: number, end: number, byte: number): number {
  const last = Math.min(end, at + 24);
  for (let i = at + 1; i < last; i++) if (bytes[i] === byte) return i + 1;
  return at + 1;
}

/** The kernel's own clock in the stamp that a line begins with, microseconds; -1 without one. */
function uptimeAt(bytes: Buffer, start: number, end: number): number {
  if (bytes[start] !== BRACKET) return -1;
  let at = start + 1;
  let value = 0;
  let digits = 0;
  for (; at < end && at < start + 24; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x30 && byte <= 0x39) {
      value = value * 10 + byte - 0x30;
      digits++;
    } else if (byte === CLOSING) return digits > 6 ? value : -1;
    else if (byte !== SPACE && byte !== 0x2e) return -1;
  }
  return -1;
}

const MSGID = Buffer.from(' msgid=');

/** The number of a message, where it stands in this datagram; -1 where it does not. @param isCut the message goes on behind it */
function msgidIn(bytes: Buffer, start: number, end: number, isCut: boolean): number {
  // The text is a line, and so is each of what stands behind it. The last one counts.
  const text = bytes.indexOf(NEWLINE, start);
  if (text < 0 || text >= end - 1) return -1;
  for (let at = end - MSGID.length - 1; at >= text; at--) {
    if (bytes[at] === NEWLINE && bytes.compare(MSGID, 0, MSGID.length, at + 1, at + 1 + MSGID.length) === 0) {
      return digitsAt(bytes, at + 1 + MSGID.length, end, isCut);
    }
  }
  return -1;
}

function digitsAt(bytes: Buffer, start: number, end: number, isCut: boolean): number {
  let value = 0;
  let at = start;
  for (; at < end && at < start + 15; at++) {
    const byte = bytes[at]!;
    if (byte < 0x30 || byte > 0x39) break;
    value = value * 10 + byte - 0x30;
  }
  return at === start || (isCut && at === end) ? -1 : value;
}
