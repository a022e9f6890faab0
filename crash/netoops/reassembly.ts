/**
 * Reassembly of netoops: datagrams of any number of hosts in, in any order and any number of times; dumps out, each as well
 * put together as what came allows. Bounded in hosts, bytes and time. Pure: addresses, bytes and the time come from outside.
 *
 * A dump is named by its sender, the number of the boot where the layout has it, and its dump id: seconds of uptime, 16 bits
 * of them, so that an oops and the panic behind it may share one. What shares an id is told apart by the number of pieces,
 * the type, and contents that conflict.
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
import type { SenderKey } from '../senders.ts';
import { Dump } from './dump.ts';
import { NetoopsPacket, PIECE_BYTES } from './packet.ts';

export interface NetoopsOptions {
  readonly limits: AdmissionLimits;
  /** Bytes of logs that are kept, of all senders together. */
  readonly maxBytes: number;
  /** The longest log that a dump may tell of, bytes. */
  readonly maxLogBytes: number;
  /** How long after its last piece a dump that is not whole is taken for all there will be, microseconds. */
  readonly quietUs: number;
  /** How long after that pieces may still be added to it, microseconds. */
  readonly keepUs: number;
  /** How long a dump may take in all, and wait to be wanted, microseconds. */
  readonly longestUs: number;
  readonly isKnown: (key: SenderKey) => boolean;
  readonly seed: number;
}

/** An oops, the panic behind it, and what a sender may have been up to before. */
const DUMPS_OF_A_SENDER = 4;
/** States of a dump that are told before it is whole. */
const MOST_REVISIONS = 3;
/** So many pieces of one dump make its sender more than a stranger. */
const ESTABLISHED_PIECES = 2;

export class NetoopsReassembly implements Reassembly {
  readonly #options: NetoopsOptions;
  readonly #events: HeardEvents;
  readonly #admission: Admission;
  readonly #blocks: Blocks;
  readonly #mostPieces: number;
  readonly #packet = new NetoopsPacket();
  /** Of each sender, the newest last. */
  readonly #dumps: SenderDump[][];
  /** Dumps with pieces that no settlement told of, in the order in which they became so. */
  readonly #unsettled = new Set<SenderDump>();
  /** Those that were settled, until they are forgotten. */
  readonly #settled = new Set<SenderDump>();
  /** Those of these whose pieces had to make room. */
  readonly #remembered = new Set<SenderDump>();
  #isAnyWhole = false;
  #malformed = 0;
  #tooLong = 0;
  #noRoom = 0;

  constructor(options: NetoopsOptions, events: HeardEvents) {
    const { limits, isKnown, seed } = options;
    this.#options = options;
    this.#events = events;
    this.#blocks = new Blocks(PIECE_BYTES, options.maxBytes);
    this.#mostPieces = Math.ceil(options.maxLogBytes / PIECE_BYTES);
    this.#dumps = Array.from({ length: limits.senders }, () => []);
    this.#admission = new Admission({ limits, isKnown, seed, evict: (sender) => this.#evict(sender) });
  }

  get senders(): number {
    return this.#admission.senders.size;
  }

  /** Bytes of logs that are kept. */
  get bytes(): number {
    return this.#blocks.taken * PIECE_BYTES;
  }

  take(key: SenderKey, bytes: Buffer, start: number, end: number, nowUs: number): void {
    const packet = this.#packet;
    if (packet.read(bytes, start, end) !== null) {
      this.#malformed++;
      return;
    }
    if (packet.packetCount > this.#mostPieces) {
      this.#tooLong++;
      return;
    }
    const sender = this.#admission.admit(key, nowUs);
    if (sender >= 0) this.#add(sender, bytes, nowUs);
  }

  get isAnyWhole(): boolean {
    return this.#isAnyWhole;
  }

  settle(nowUs: number, wants: (crash: HeardCrash) => boolean): HeardCrash[] {
    // Before others are settled, whose pieces are wanted until the next call.
    this.#forgetTold(nowUs);
    const due: SenderDump[] = [];
    for (const dump of this.#unsettled) if (this.#isDue(dump, nowUs)) due.push(dump);
    this.#isAnyWhole = false;
    const settled = this.#settle(due, wants);
    // One for which there was no settlement in all that time will not get any.
    const { quietUs, longestUs } = this.#options;
    for (const dump of this.#unsettled) if (nowUs - dump.lastUs >= quietUs + longestUs) this.#drop(dump);
    return settled;
  }

  settleAll(wants: (crash: HeardCrash) => boolean): HeardCrash[] {
    return this.#settle([...this.#unsettled], wants);
  }

  takeLosses(report: (hop: string, count: number) => void): void {
    this.#admission.takeRefused(report);
    if (this.#malformed > 0) report('malformed', this.#malformed);
    if (this.#tooLong > 0) report('too_long', this.#tooLong);
    if (this.#noRoom > 0) report('no_room', this.#noRoom);
    this.#malformed = this.#tooLong = this.#noRoom = 0;
  }

  #settle(dumps: SenderDump[], wants: (crash: HeardCrash) => boolean): SenderDump[] {
    const settled = dumps.sort(byUsefulness).filter(wants);
    for (const dump of settled) {
      dump.revision++;
      this.#unsettled.delete(dump);
      this.#settled.add(dump);
    }
    return settled;
  }

  #add(sender: number, bytes: Buffer, nowUs: number): void {
    const { packetNo, dataStart } = this.#packet;
    const dumps = this.#dumps[sender]!;
    let target: SenderDump | undefined;
    let isShared = false;
    // The newest first: what follows an older dump is more likely than what comes late of it.
    for (let i = dumps.length - 1; i >= 0 && !isShared; i--) {
      const known = dumps[i]!;
      if (!known.isOf(this.#packet)) continue;
      if (known.dump.holds(packetNo, bytes, dataStart)) {
        if (!target) {
          known.repeated(packetNo, bytes, dataStart);
          return;
        }
        isShared = true;
      } else if (!target && known.dump.lacks(packetNo)) target = known;
    }
    target ??= this.#begin(sender, nowUs);
    if (!this.#put(target, bytes, isShared)) {
      this.#noRoom++;
      if (target.parts === 0) this.#drop(target);
      return;
    }
    target.lastUs = nowUs;
    this.#unsettled.add(target);
    this.#isAnyWhole ||= target.dump.isWhole;
    // What a host is worth is the best of what it sent: a panic begins with one piece again.
    const most = Math.max(...dumps.map(({ parts }) => parts));
    this.#admission.value(sender, most, most >= ESTABLISHED_PIECES);
    if (target.parts === 1 && target.revision === 0) this.#events.began(target);
  }

  /** Whether there was room for the piece, or could be made. */
  #put(target: SenderDump, bytes: Buffer, isShared: boolean): boolean {
    const { packetNo, dataStart } = this.#packet;
    // What makes room must not be the very dump that needs it.
    const wasSettled = this.#settled.delete(target);
    for (;;) {
      if (target.dump.add(packetNo, bytes, dataStart, isShared) !== 'full') return true;
      if (this.#makeRoom(target.senderNo)) continue;
      if (wasSettled) this.#settled.add(target);
      return false;
    }
  }

  #begin(sender: number, nowUs: number): SenderDump {
    const dumps = this.#dumps[sender]!;
    const oldest = dumps[0];
    const { senders } = this.#admission;
    const isKnown = this.#admission.isKnown(sender);
    const dump = new SenderDump(this.#packet, sender, senders.keyOf(sender), isKnown, this.#blocks, nowUs);
    dumps.push(dump);
    if (oldest && dumps.length > DUMPS_OF_A_SENDER) this.#drop(oldest);
    return dump;
  }

  /** Lets go of what is least useful: the pieces of a dump that was told of, else a sender. */
  #makeRoom(but: number): boolean {
    const [told] = this.#settled;
    if (!told) return this.#admission.makeRoom(but);
    if (told.dump.isWhole) {
      told.dump.releasePieces();
      this.#settled.delete(told);
      this.#remembered.add(told);
    } else this.#drop(told);
    return true;
  }

  /** Whether there is nothing to wait for. Of a dump that grows by one piece at a time not every state is told. */
  #isDue(dump: SenderDump, nowUs: number): boolean {
    dump.follow(nowUs);
    if (dump.dump.isWhole) return true;
    if (dump.revision >= MOST_REVISIONS) return false;
    const { quietUs, longestUs } = this.#options;
    return nowUs - dump.lastUs >= quietUs || nowUs - dump.firstUs >= longestUs;
  }

  #forgetTold(nowUs: number): void {
    const { quietUs, keepUs } = this.#options;
    for (const dumps of [this.#settled, this.#remembered]) {
      for (const dump of dumps) {
        dump.follow(nowUs);
        if (nowUs - dump.lastUs >= quietUs + keepUs) this.#drop(dump);
      }
    }
  }

  /** Lets a dump go, and with its last one the sender. */
  #drop(dump: SenderDump): void {
    const dumps = this.#dumps[dump.senderNo]!;
    dumps.splice(dumps.indexOf(dump), 1);
    this.#release(dump);
    if (dumps.length === 0) this.#admission.remove(dump.senderNo);
  }

  #evict(sender: number): void {
    const dumps = this.#dumps[sender]!;
    for (const dump of dumps) this.#release(dump);
    dumps.length = 0;
  }

  #release(dump: SenderDump): void {
    this.#settled.delete(dump);
    this.#remembered.delete(dump);
    if (this.#unsettled.delete(dump)) this.#events.lost(dump);
    dump.dump.release();
  }
}

class SenderDump implements HeardCrash {
  readonly senderNo: number;
  readonly sender: SenderKey;
  readonly isKnown: boolean;
  readonly kernel: string;
  readonly boot: string;
  readonly beginning = null;
  readonly isCut = false;
  firstUs: number;
  readonly dump: Dump;
  readonly #bootId: number;
  readonly #dumpId: number;
  readonly #type: number;
  lastUs: number;
  duplicates = 0;
  revision = 0;

  constructor(
    packet: NetoopsPacket,
    senderNo: number,
    sender: SenderKey,
    isKnown: boolean,
    blocks: Blocks,
    nowUs: number,
  ) {
    this.senderNo = senderNo;
    this.sender = sender;
    this.isKnown = isKnown;
    this.kernel = packet.kernel();
    this.boot = packet.bootId < 0 ? '' : String(packet.bootId);
    this.#bootId = packet.bootId;
    this.#dumpId = packet.dumpId;
    this.#type = packet.type;
    this.firstUs = nowUs;
    this.lastUs = nowUs;
    this.dump = new Dump(blocks, packet.packetCount);
  }

  isOf(packet: NetoopsPacket): boolean {
    return (
      this.#dumpId === packet.dumpId &&
      this.dump.packetCount === packet.packetCount &&
      this.#bootId === packet.bootId &&
      this.#type === packet.type
    );
  }

  get parts(): number {
    return this.dump.size;
  }

  /** Does not put off its end: who repeats a piece has no more to say. */
  repeated(packetNo: number, bytes: Buffer, dataStart: number): void {
    if (this.dump.hasPieces) this.dump.add(packetNo, bytes, dataStart, false);
    this.duplicates++;
  }

  /** After a clock that was set back. */
  follow(nowUs: number): void {
    this.lastUs = Math.min(this.lastUs, nowUs);
    this.firstUs = Math.min(this.firstUs, nowUs);
  }

  assemble(): AssembledLog {
    return { ...this.dump.assemble(), lostMessages: 0 };
  }
}
