/**
 * Network interfaces of this process's namespace, their names by index, kept current by the kernel's notifications.
 *
 * Layouts: `struct ifinfomsg` in include/uapi/linux/rtnetlink.h, attributes in if_link.h.
 */

import { INTERFACE_HEADER_BYTES, LinkNames } from './link-names.ts';
import { AttributeCursor, MessageCursor } from './message.ts';
import { NetlinkProtocol, NetlinkSocket } from './socket.ts';
import { MessageFlag, NetlinkRequester } from './transaction.ts';
import { MessageWriter } from './writer.ts';

const RTM_GETLINK = 18;
const RTNLGRP_LINK = 1;
const IFLA_EXT_MASK = 29;
const RTEXT_FILTER_SKIP_STATS = 1 << 3;

/** Dumps that go on while interfaces come and go are begun anew, but not for ever. */
const MAX_DUMPS = 3;

const DEFAULT_MAX_LINKS = 16_384;

export class Links {
  readonly #names: LinkNames;
  readonly #events: NetlinkSocket;
  readonly #requester: NetlinkRequester;
  readonly #message: MessageCursor;
  readonly #attribute: AttributeCursor;
  readonly #dumpAttribute: AttributeCursor;
  readonly #writer = new MessageWriter(64);
  #overflowsSeen = 0;

  /** Reads all interfaces. @throws KernelError */
  constructor(maxLinks = DEFAULT_MAX_LINKS) {
    this.#names = new LinkNames(maxLinks);
    using resources = new DisposableStack();
    this.#events = resources.use(
      new NetlinkSocket({ protocol: NetlinkProtocol.route, datagrams: 16, receiveBufferBytes: 1 << 20 }),
    );
    this.#requester = resources.use(new NetlinkRequester(NetlinkProtocol.route));
    this.#message = new MessageCursor(this.#events.slab);
    this.#attribute = new AttributeCursor(this.#events.slab);
    this.#dumpAttribute = new AttributeCursor(this.#requester.slab);
    // Before the dump, so that what changes meanwhile is heard of afterwards.
    this.#events.join(RTNLGRP_LINK);
    this.#dump();
    resources.move();
  }

  /** Interfaces that were not taken up because there were too many. */
  get overflow(): number {
    return this.#names.overflow;
  }

  /** An interface's name as of the last {@link update}; undefined when there is none of that index. */
  name(index: number): string | undefined {
    return this.#names.name(index);
  }

  /** The indices of the interfaces whose names satisfy `matches`. */
  indices(matches: (name: string) => boolean): number[] {
    return this.#names.indices(matches);
  }

  /** The number of interfaces. */
  get size(): number {
    return this.#names.size;
  }

  /**
   * Takes up what has changed: one system call when nothing has. Changes that the kernel could not tell are made up for
   * by reading all interfaces anew.
   * @throws KernelError
   */
  update(): void {
    for (let datagrams = this.#events.receive(); datagrams > 0; datagrams = this.#events.receive()) {
      for (let i = 0; i < datagrams; i++) {
        this.#message.reset(this.#events.startOf(i), this.#events.endOf(i));
        while (this.#message.next()) this.#names.apply(this.#message, this.#events.slab, this.#attribute);
      }
    }
    const overflows = this.#events.overflows + this.#events.truncated;
    if (overflows === this.#overflowsSeen) return;
    this.#dump();
    this.#overflowsSeen = overflows;
  }

  close(): void {
    this.#events.close();
    this.#requester.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #dump(): void {
    for (let attempt = 0; attempt < MAX_DUMPS; attempt++) {
      this.#names.clear();
      this.#writer.begin(RTM_GETLINK, MessageFlag.dump);
      this.#writer.header(INTERFACE_HEADER_BYTES);
      this.#writer.u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
      const complete = this.#requester.request('RTM_GETLINK', this.#writer.finish(), (answer) => {
        this.#names.apply(answer, this.#requester.slab, this.#dumpAttribute);
      });
      if (complete) return;
    }
  }
}
