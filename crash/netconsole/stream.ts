/** What one sender says by netconsole, and a crash that it tells of. Which datagrams these are is not known here. */
import type { Blocks } from '../blocks.ts';
import type { AssembledLog, HeardCrash } from '../heard.ts';
import type { SenderKey } from '../senders.ts';
import type { Beginning } from '../trouble.ts';
import type { NetconsolePacket } from './packet.ts';
import { Tape } from './tape.ts';
import { basicLog, extendedLog } from './text.ts';

/** Both kinds of one sender are streams of their own. */
export const STREAM = { basic: 0, extended: 1 } as const;
/** A kernel's clock, or its sequence with it, that goes back by more has begun anew. */
const REBOOT_US = 5_000_000;
const REBOOT_MESSAGES = 64;

/** What one address sends of one kind. One object serves all that ever have its number. */
export class Stream {
  readonly sender: number;
  readonly #blocks: Blocks;
  tape: Tape;
  crash: Crash | null = null;
  kernel = '';
  datagrams = 0;
  /** Crashes that are over and were not told of, the oldest first. */
  readonly over: Crash[] = [];
  /** The newest that its kernel's clock said, and its sequence. */
  uptimeUs = 0;
  seq = 0;
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

  /** Whether a message is of another boot: the kernel's clock, or its sequence, goes back by more than datagrams overtake. */
  isReboot(uptimeUs: number, seq: number): boolean {
    if (uptimeUs < 0 || uptimeUs >= this.uptimeUs) return false;
    return uptimeUs + REBOOT_US < this.uptimeUs || (seq >= 0 && seq + REBOOT_MESSAGES < this.seq);
  }

  /** Another tape, for what comes now. */
  begin(): void {
    this.crash = null;
    this.tape = new Tape(this.#blocks);
  }

  /** The host has booted anew, or it is another host. */
  restarted(): void {
    this.uptimeUs = 0;
    this.seq = 0;
    this.#msgid = -1;
    this.#came = 0;
    this.kernel = '';
  }
}

export class Crash implements HeardCrash {
  readonly sender: SenderKey;
  readonly isKnown: boolean;
  readonly kernel: string;
  readonly boot = '';
  readonly duplicates = 0;
  firstUs: number;
  readonly tape: Tape;
  beginning: Beginning;
  lastUs: number;
  /** When there was a sign of trouble last. */
  troubleUs: number;
  /** Whether there was no room for more of it. */
  isCut = false;
  /** The stream that it is of, until it is told of or given up. */
  readonly stream: Stream;
  /** Whether the last words of a panic were heard. */
  isEnded = false;
  parts = 0;
  revision = 0;

  constructor(sender: SenderKey, isKnown: boolean, stream: Stream, beginning: Beginning, nowUs: number) {
    this.sender = sender;
    this.isKnown = isKnown;
    this.kernel = stream.kernel;
    this.tape = stream.tape;
    this.stream = stream;
    this.beginning = beginning;
    this.firstUs = this.lastUs = this.troubleUs = nowUs;
  }

  /** After a clock that was set back. */
  follow(nowUs: number): void {
    this.lastUs = Math.min(this.lastUs, nowUs);
    this.troubleUs = Math.min(this.troubleUs, nowUs);
    this.firstUs = Math.min(this.firstUs, nowUs);
  }

  assemble(): AssembledLog {
    const isExtended = this.sender.stream === STREAM.extended;
    return isExtended ? extendedLog(this.tape.read(), this.beginning.uptimeUs) : basicLog(this.tape.read());
  }
}
