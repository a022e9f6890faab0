/**
 * A capture of dropped packets: takes what a source caught, keeps what the filter lets through, and writes it. Pure but
 * for the sink. Must not know how packets are caught.
 */
import { Dissector } from '../packet/dissect.ts';
import { EtherType } from '../packet/layers.ts';
import { type DropLabel, dropComments } from './drop.ts';
import type { CaptureFilter } from './filter.ts';
import { LinkType, PacketFlag, PcapngWriter, type Section } from './pcapng.ts';

/** A dropped packet as a source caught it. The object may be used again for the next one. */
export interface CaughtPacket extends DropLabel {
  /** When it was dropped, µs since 1970. */
  readonly timeUs: number;
  /** Its first bytes: `bytes[start, start + copied)`. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly copied: number;
  /** The EtherType of what they begin with, 0 for an Ethernet header. */
  readonly etherType: number;
  /** Of the whole packet. */
  readonly length: number;
  /** Whose network it was in; empty for the host's own. */
  readonly namespace: string;
  /** Whether it came in by its interface, as far as that is known. */
  readonly inbound: boolean | undefined;
}

/** Something that catches dropped packets. */
export interface CaptureSource extends Disposable {
  /** What it is, e.g. `kfree-skb (BPF)`. */
  readonly description: string;
  /** Hands on what was caught since the last time. */
  poll(take: (packet: CaughtPacket) => void): void;
  /** Packets that it missed since it was opened. */
  lost(): number;
}

export interface CaptureOptions {
  readonly source: CaptureSource;
  readonly filter: CaptureFilter;
  /** Bytes of a packet that are kept at most. */
  readonly snapLength: number;
  /** Stop after so many packets. */
  readonly most?: number;
  readonly section: Section;
  /** Takes bytes of the file, in order; they are overwritten when it has returned. */
  readonly sink: (bytes: Uint8Array) => void;
  readonly nowUs: () => number;
}

export interface CaptureCounts {
  /** Packets that the source handed on, that the filter kept, and that the source missed. */
  readonly seen: number;
  readonly kept: number;
  readonly lost: number;
  /** Bytes written. */
  readonly bytes: number;
}

const ETHERNET_BYTES = 14;
/** What has no header that says more than an EtherType gets one, from and to nobody. */
const HEADER_ROOM = 262_144 + ETHERNET_BYTES;

export class CaptureSession {
  readonly #options: CaptureOptions;
  readonly #writer: PcapngWriter;
  readonly #dissector = new Dissector();
  /** Numbers in the file by interface, namespace and kind of link. */
  readonly #interfaces = new Map<string, number>();
  /** Of each of them: packets that the filter kept. */
  readonly #accepted: number[] = [];
  readonly #startUs: number;
  #framed: Uint8Array | undefined;
  #seen = 0;
  #kept = 0;
  #lost = 0;
  #bytes = 0;

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#startUs = options.nowUs();
    this.#writer = new PcapngWriter((bytes) => {
      this.#bytes += bytes.length;
      options.sink(bytes);
    }, options.section);
  }

  /** Whether it has as many packets as were asked for. */
  get full(): boolean {
    return this.#kept >= (this.#options.most ?? Number.POSITIVE_INFINITY);
  }

  get counts(): CaptureCounts {
    return { seen: this.#seen, kept: this.#kept, lost: this.#options.source.lost(), bytes: this.#bytes };
  }

  /** Writes what the source caught since the last time; whole blocks reach the sink. */
  poll(): void {
    this.#options.source.poll((packet) => this.#take(packet));
    this.#writer.flush();
  }

  /** Ends the file with what is known of its completeness. */
  finish(): void {
    const end = this.#options.nowUs();
    const lost = this.#options.source.lost();
    // Whose packets were lost is not known: the first interface stands for all.
    if (this.#accepted.length === 0) this.#interface('any', '', LinkType.ethernet);
    for (const [number, accepted] of this.#accepted.entries()) {
      this.#writer.statistics({
        interface: number,
        start: this.#startUs,
        end,
        received: number === 0 ? this.#seen + lost - (this.#kept - accepted) : accepted,
        accepted,
        lost: number === 0 ? lost : 0,
      });
    }
    this.#writer.flush();
  }

  #take(packet: CaughtPacket): void {
    this.#seen++;
    if (this.full) return;
    const { bytes, start, copied, etherType } = packet;
    const dissected =
      etherType === 0
        ? this.#dissector.frame(bytes, start, copied)
        : this.#dissector.network(etherType, bytes, start, copied);
    if (!this.#options.filter.matches(dissected, packet)) return;
    this.#kept++;
    const isRaw = etherType === EtherType.ipv4 || etherType === EtherType.ipv6;
    const number = this.#interface(
      packet.interface,
      packet.namespace,
      isRaw ? LinkType.raw : LinkType.ethernet,
    );
    this.#accepted[number]!++;
    const lost = this.#options.source.lost();
    const headed = etherType !== 0 && !isRaw;
    this.#writer.packet({
      interface: number,
      timestamp: packet.timeUs,
      bytes: headed ? this.#withHeader(packet) : bytes,
      start: headed ? 0 : start,
      length: headed ? copied + ETHERNET_BYTES : copied,
      originalLength: headed ? packet.length + ETHERNET_BYTES : packet.length,
      comments: dropComments(packet),
      flags: packet.inbound === undefined ? 0 : packet.inbound ? PacketFlag.inbound : PacketFlag.outbound,
      lostBefore: lost - this.#lost,
    });
    this.#lost = lost;
  }

  #interface(name: string, namespace: string, linkType: number): number {
    const key = `${linkType} ${name} ${namespace}`;
    const known = this.#interfaces.get(key);
    if (known !== undefined) return known;
    const { source, snapLength } = this.#options;
    const number = this.#writer.addInterface({
      name: `${name || 'unknown'}${namespace && ` (${namespace})`}`,
      description: `packets dropped, seen by ${source.description}`,
      linkType,
      snapLength,
      resolution: 'us',
    });
    this.#interfaces.set(key, number);
    this.#accepted[number] = 0;
    return number;
  }

  #withHeader({ bytes, start, copied, etherType }: CaughtPacket): Uint8Array {
    this.#framed ??= new Uint8Array(HEADER_ROOM);
    this.#framed[12] = etherType >> 8;
    this.#framed[13] = etherType & 0xff;
    this.#framed.set(bytes.subarray(start, start + copied), ETHERNET_BYTES);
    return this.#framed;
  }
}
