/**
 * What queueing disciplines and their classes dropped, in this network namespace, by rtnetlink. A root's figures hold
 * those of all below it, so `qdisc_*` is told of roots (and of ingress), and `class_drops` of what is below them: it says
 * which class it was.
 *
 * Layouts: `struct tcmsg` in include/uapi/linux/rtnetlink.h, `struct gnet_stats_queue` in gen_stats.h.
 */
import { Links } from '../../kernel/netlink/links.ts';
import { AttributeCursor, type MessageCursor } from '../../kernel/netlink/message.ts';
import { NetlinkProtocol } from '../../kernel/netlink/socket.ts';
import { MessageFlag, NetlinkRequester } from '../../kernel/netlink/transaction.ts';
import { MessageWriter } from '../../kernel/netlink/writer.ts';
import type { Collector } from '../../source.ts';
import type { Growth } from './growth.ts';
import type { CounterReader } from './reader.ts';

const RTM_GETTCLASS = 42;
const RTM_GETQDISC = 38;
const TC_HEADER_BYTES = 20;
const TCA_KIND = 1;
const TCA_STATS2 = 7;
const TCA_STATS_QUEUE = 3;
/** `struct gnet_stats_queue`: length, backlog, drops, requeues, overlimits, 32 bits each. */
const QUEUE_BYTES = 20;
const TC_H_ROOT = 0xffff_ffff;
const TC_H_INGRESS = 0xffff_fff1;

/** Kinds whose classes are told of. Others have none, or as many as flows or queues of the NIC. */
const CLASSFUL = new Set(['cbq', 'drr', 'ets', 'hfsc', 'htb', 'prio', 'qfq']);

/** Queueing disciplines and classes followed at most. */
const MOST_QUEUES = 8192;

interface Queue {
  /** Slots for drops, requeues and overlimits, as they stand in `struct gnet_stats_queue` behind length and backlog. */
  readonly slots: Int32Array;
  /** The reading that it was last seen in. */
  seen: number;
}

export class QdiscReader implements CounterReader {
  readonly #growth: Growth;
  readonly #links: Links;
  readonly #requester: NetlinkRequester;
  readonly #attribute: AttributeCursor;
  readonly #nested: AttributeCursor;
  readonly #view: DataView;
  readonly #request = new MessageWriter(64);
  /** By interface, handle and parent. */
  readonly #queues = new Map<string, Queue>();
  /** Interfaces whose root has classes, by index. */
  readonly #classful: number[] = [];
  #reading = 0;
  #refused = 0;

  /** @throws KernelError */
  constructor(growth: Growth) {
    this.#growth = growth;
    using resources = new DisposableStack();
    this.#links = resources.use(new Links());
    this.#requester = resources.use(new NetlinkRequester(NetlinkProtocol.route));
    const { slab } = this.#requester;
    this.#attribute = new AttributeCursor(slab);
    this.#nested = new AttributeCursor(slab);
    this.#view = new DataView(slab.buffer, slab.byteOffset, slab.byteLength);
    resources.move();
  }

  read(into: Collector): void {
    this.#links.update();
    this.#reading++;
    this.#classful.length = 0;
    let isWhole = this.#dump(RTM_GETQDISC, 0, into);
    for (const index of this.#classful) isWhole = this.#dump(RTM_GETTCLASS, index, into) && isWhole;
    if (isWhole) this.#forgetVanished();
    if (this.#refused > 0) into.loss('counters_full', this.#refused);
    this.#refused = 0;
  }

  close(): void {
    this.#links.close();
    this.#requester.close();
  }

  #forgetVanished(): void {
    for (const [key, { slots, seen }] of this.#queues) {
      if (seen === this.#reading) continue;
      for (const slot of slots) this.#growth.remove(slot);
      this.#queues.delete(key);
    }
  }

  /** Returns false when something may be missing. */
  #dump(type: number, index: number, into: Collector): boolean {
    this.#request.begin(type, MessageFlag.dump);
    const at = this.#request.header(TC_HEADER_BYTES);
    const message = this.#request.finish();
    new DataView(message.buffer, message.byteOffset).setUint32(at + 4, index, true);
    const what = type === RTM_GETQDISC ? 'RTM_GETQDISC' : 'RTM_GETTCLASS';
    return this.#requester.request(what, message, (answer) => {
      if (answer.end - answer.start < TC_HEADER_BYTES) into.loss('malformed', 1);
      else if (type === RTM_GETQDISC) this.#takeQdisc(answer, into);
      else this.#takeClass(answer, into);
    });
  }

  #takeQdisc({ start, end }: MessageCursor, into: Collector): void {
    const index = this.#view.getUint32(start + 4, true);
    const parent = this.#view.getUint32(start + 12, true);
    if (parent !== TC_H_ROOT && parent !== TC_H_INGRESS) return;
    const stats = this.#find(start, end, (kind) => {
      if (CLASSFUL.has(kind)) this.#classful.push(index);
    });
    const iface = this.#links.name(index);
    if (stats < 0 || iface === undefined) return;
    const key = `${index} ${this.#view.getUint32(start + 8, true)} ${parent}`;
    const names = ['qdisc_drops', 'qdisc_requeues', 'qdisc_overlimits'];
    this.#put(this.#queue(key, names, iface), stats, into);
  }

  #takeClass({ start, end }: MessageCursor, into: Collector): void {
    const index = this.#view.getUint32(start + 4, true);
    const handle = this.#view.getUint32(start + 8, true);
    const iface = this.#links.name(index);
    const stats = this.#find(start, end, () => {});
    if (stats < 0 || iface === undefined) return;
    const key = `${index} class ${handle}`;
    const place = `${iface} ${(handle >>> 16).toString(16)}:${(handle & 0xffff).toString(16)}`;
    this.#put(this.#queue(key, ['class_drops'], place), stats, into);
  }

  /** Where the queue's figures stand in the slab; -1 when there are none. */
  #find(start: number, end: number, onKind: (kind: string) => void): number {
    let found = -1;
    this.#attribute.reset(start + TC_HEADER_BYTES, end);
    while (this.#attribute.next()) {
      if (this.#attribute.type === TCA_KIND) onKind(this.#attribute.string());
      if (this.#attribute.type !== TCA_STATS2) continue;
      this.#nested.reset(this.#attribute.start, this.#attribute.end);
      while (this.#nested.next()) {
        if (this.#nested.type === TCA_STATS_QUEUE && this.#nested.end - this.#nested.start >= QUEUE_BYTES) {
          found = this.#nested.start;
        }
      }
    }
    return found;
  }

  #queue(key: string, names: readonly string[], iface: string): Queue | undefined {
    let queue = this.#queues.get(key);
    if (queue) return queue;
    if (this.#queues.size >= MOST_QUEUES) {
      this.#refused++;
      return undefined;
    }
    const add = (name: string) => this.#growth.add({ name, interface: iface, total: '' }, false);
    queue = { slots: Int32Array.from(names, add), seen: 0 };
    this.#queues.set(key, queue);
    return queue;
  }

  #put(queue: Queue | undefined, stats: number, into: Collector): void {
    if (!queue) return;
    queue.seen = this.#reading;
    for (let i = 0; i < queue.slots.length; i++) {
      this.#growth.put(queue.slots[i] as number, 0, this.#view.getUint32(stats + 8 + i * 4, true), into);
    }
  }
}
