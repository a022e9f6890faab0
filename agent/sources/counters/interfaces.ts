/**
 * The standard statistics of every interface in this network namespace, in one dump of rtnetlink. They are exact, where
 * /proc/net/dev adds several into one column.
 *
 * Layouts: `struct if_stats_msg` and `struct rtnl_link_stats64` in include/uapi/linux/if_link.h (Linux 4.7).
 */
import { Links } from '../../kernel/netlink/links.ts';
import { AttributeCursor, type MessageCursor } from '../../kernel/netlink/message.ts';
import { NetlinkProtocol } from '../../kernel/netlink/socket.ts';
import { MessageFlag, NetlinkRequester } from '../../kernel/netlink/transaction.ts';
import { MessageWriter } from '../../kernel/netlink/writer.ts';
import type { Collector } from '../../source.ts';
import { isTraffic, totalOf } from './dev.ts';
import { type Growth, NO_SLOT } from './growth.ts';
import type { CounterReader } from './reader.ts';

const RTM_GETSTATS = 94;
const STATS_HEADER_BYTES = 12;
const IFLA_STATS_LINK_64 = 1;
const FILTER_LINK_64 = 1 << (IFLA_STATS_LINK_64 - 1);

/** The fields in their order; later kernels append more. Names as under /sys/class/net/IFACE/statistics. */
const FIELDS = [
  'rx_packets',
  'tx_packets',
  'rx_bytes',
  'tx_bytes',
  'rx_errors',
  'tx_errors',
  'rx_dropped',
  'tx_dropped',
  'multicast',
  'collisions',
  'rx_length_errors',
  'rx_over_errors',
  'rx_crc_errors',
  'rx_frame_errors',
  'rx_fifo_errors',
  'rx_missed_errors',
  'tx_aborted_errors',
  'tx_carrier_errors',
  'tx_fifo_errors',
  'tx_heartbeat_errors',
  'tx_window_errors',
  'rx_compressed',
  'tx_compressed',
  'rx_nohandler',
  'rx_otherhost_dropped',
] as const;

/** Interfaces read at most. */
const MOST_INTERFACES = 4096;

interface Interface {
  readonly name: string;
  readonly slots: Int32Array;
  /** The reading that it was last seen in. */
  seen: number;
}

export class InterfaceReader implements CounterReader {
  readonly #growth: Growth;
  readonly #isUplink: (name: string) => boolean;
  readonly #links: Links;
  readonly #requester: NetlinkRequester;
  readonly #attribute: AttributeCursor;
  readonly #view: DataView;
  readonly #request = new MessageWriter(64);
  /** By index. */
  readonly #interfaces = new Map<number, Interface>();
  #reading = 0;
  #refused = 0;

  /** @param isUplink asked once for each interface that appears. @throws KernelError */
  constructor(growth: Growth, isUplink: (name: string) => boolean) {
    this.#growth = growth;
    this.#isUplink = isUplink;
    using resources = new DisposableStack();
    this.#links = resources.use(new Links());
    this.#requester = resources.use(new NetlinkRequester(NetlinkProtocol.route));
    const { slab } = this.#requester;
    this.#attribute = new AttributeCursor(slab);
    this.#view = new DataView(slab.buffer, slab.byteOffset, slab.byteLength);
    resources.move();
  }

  read(into: Collector): void {
    this.#links.update();
    this.#reading++;
    this.#request.begin(RTM_GETSTATS, MessageFlag.dump);
    const at = this.#request.header(STATS_HEADER_BYTES);
    const message = this.#request.finish();
    new DataView(message.buffer, message.byteOffset).setUint32(at + 8, FILTER_LINK_64, true);
    const isWhole = this.#requester.request('RTM_GETSTATS', message, (answer) => this.#take(answer, into));
    // A dump during which interfaces came or went may have passed over one that is still there.
    if (isWhole) this.#forgetVanished();
    if (this.#refused > 0) into.loss('counters_full', this.#refused);
    this.#refused = 0;
  }

  close(): void {
    this.#links.close();
    this.#requester.close();
  }

  #take({ start, end }: MessageCursor, into: Collector): void {
    if (end - start < STATS_HEADER_BYTES) {
      into.loss('malformed', 1);
      return;
    }
    const found = this.#interface(this.#view.getUint32(start + 4, true));
    if (!found) return;
    // A dump that goes on while interfaces come and go may tell of one twice.
    if (found.seen === this.#reading) return;
    found.seen = this.#reading;
    this.#attribute.reset(start + STATS_HEADER_BYTES, end);
    while (this.#attribute.next()) {
      if (this.#attribute.type !== IFLA_STATS_LINK_64) continue;
      const { start: from, end: to } = this.#attribute;
      for (let i = 0; i < found.slots.length && from + i * 8 + 8 <= to; i++) {
        const low = this.#view.getUint32(from + i * 8, true);
        const high = this.#view.getUint32(from + i * 8 + 4, true);
        this.#growth.put(found.slots[i] as number, high, low, into);
      }
    }
  }

  /** An interface by its index; made anew when it was renamed. */
  #interface(index: number): Interface | undefined {
    const name = this.#links.name(index);
    const known = this.#interfaces.get(index);
    if (known?.name === name) return known;
    if (known) this.#forget(index);
    if (name === undefined) return undefined;
    if (this.#interfaces.size >= MOST_INTERFACES) {
      this.#refused++;
      return undefined;
    }
    const isUplink = this.#isUplink(name);
    const slots = Int32Array.from(FIELDS, (field) => {
      if (!isUplink && isTraffic(field)) return NO_SLOT;
      return this.#growth.add({ name: field, interface: name, total: isUplink ? totalOf(field) : '' }, false);
    });
    const made = { name, slots, seen: 0 };
    this.#interfaces.set(index, made);
    return made;
  }

  #forgetVanished(): void {
    for (const [index, { seen }] of this.#interfaces) if (seen !== this.#reading) this.#forget(index);
  }

  #forget(index: number): void {
    for (const slot of this.#interfaces.get(index)?.slots ?? []) this.#growth.remove(slot);
    this.#interfaces.delete(index);
  }
}
