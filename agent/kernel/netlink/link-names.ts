/**
 * The names of network interfaces by their index, as messages of rtnetlink tell them. Pure: it must not know where the
 * messages come from.
 *
 * Layouts: `struct ifinfomsg` in include/uapi/linux/rtnetlink.h, attributes in if_link.h.
 */

import type { AttributeCursor, MessageCursor } from './message.ts';

export const INTERFACE_HEADER_BYTES = 16;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const IFLA_IFNAME = 3;

export class LinkNames {
  /** Interfaces that were not taken up because there were too many. */
  overflow = 0;
  readonly #most: number;
  readonly #names = new Map<number, string>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#names.size;
  }

  name(index: number): string | undefined {
    return this.#names.get(index);
  }

  /** The indices of the interfaces whose names satisfy `matches`. */
  indices(matches: (name: string) => boolean): number[] {
    return [...this.#names].filter(([, name]) => matches(name)).map(([index]) => index);
  }

  clear(): void {
    this.#names.clear();
  }

  /** Takes up what a message says, if it is about an interface. @param attribute a cursor over the same slab */
  apply(message: MessageCursor, slab: Uint8Array, attribute: AttributeCursor): void {
    const { type, start, end } = message;
    if ((type !== RTM_NEWLINK && type !== RTM_DELLINK) || end - start < INTERFACE_HEADER_BYTES) return;
    // A bridge tells of its ports in the same messages, under its own address family.
    if (slab[start] !== 0) return;
    const index =
      slab[start + 4]! | (slab[start + 5]! << 8) | (slab[start + 6]! << 16) | (slab[start + 7]! << 24);
    if (type === RTM_DELLINK) {
      this.#names.delete(index);
      return;
    }
    attribute.reset(start + INTERFACE_HEADER_BYTES, end);
    while (attribute.next()) {
      if (attribute.type !== IFLA_IFNAME) continue;
      if (this.#names.size >= this.#most && !this.#names.has(index)) this.overflow++;
      else this.#names.set(index, attribute.string());
      return;
    }
  }
}
