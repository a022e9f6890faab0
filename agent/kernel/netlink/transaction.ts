/**
 * Requests over netlink and their answers. It must not know what is asked.
 *
 * Layouts: `struct nlmsgerr` and its attributes in include/uapi/linux/netlink.h.
 */

import { constants } from 'node:os';
import { KernelError, waitReadable } from '../libc.ts';
import { AttributeCursor, MESSAGE_HEADER_BYTES, MessageCursor } from './message.ts';
import { type NetlinkOptions, NetlinkSocket } from './socket.ts';

/** Flags of a request. */
export const MessageFlag = { request: 0x1, acknowledge: 0x4, dump: 0x300 } as const;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_DUMP_INTR = 0x10;
/** An acknowledgement carries attributes. */
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;

/** The kernel answers at once, but for commands that wait for all CPUs. */
const TIMEOUT_MS = 1000;

/** A socket for requests, one at a time. It joins no groups, so that all that it receives are answers. */
export class NetlinkRequester {
  readonly #socket: NetlinkSocket;
  readonly #message: MessageCursor;
  readonly #attribute: AttributeCursor;
  #sequence = 0;

  /** @param datagramBytes of the longest answer; the kernel's dumps fill up to 32 KiB. */
  constructor(protocol: NetlinkOptions['protocol'], datagramBytes = 32 * 1024) {
    this.#socket = new NetlinkSocket({ protocol, datagrams: 8, datagramBytes });
    this.#message = new MessageCursor(this.#socket.slab);
    this.#attribute = new AttributeCursor(this.#socket.slab);
  }

  /** What the answers that {@link request} hands out lie in. */
  get slab(): Uint8Array {
    return this.#socket.slab;
  }

  /**
   * Sends a request and waits for its end, for a second at most.
   * @param what is asked, for the error.
   * @param message a whole message; its sequence number and the flags of a request are set here.
   * @param onAnswer gets every answer in front of the acknowledgement, valid during the call.
   * @returns false when a dump went on while what it lists changed: something may be missing or twice.
   * @throws KernelError with the errno that the kernel answered and what it says about it; ETIMEDOUT when it does not
   * answer, ENOBUFS when answers were lost.
   */
  request(what: string, message: Uint8Array, onAnswer?: (answer: MessageCursor) => void): boolean {
    this.#sequence = (this.#sequence + 1) >>> 0;
    const header = new DataView(message.buffer, message.byteOffset, MESSAGE_HEADER_BYTES);
    header.setUint16(6, header.getUint16(6, true) | MessageFlag.request | MessageFlag.acknowledge, true);
    header.setUint32(8, this.#sequence, true);
    const lost = this.#socket.overflows + this.#socket.truncated;
    this.#socket.send(message);

    let consistent = true;
    const deadline = performance.now() + TIMEOUT_MS;
    for (;;) {
      const datagrams = this.#socket.receive();
      if (this.#socket.overflows + this.#socket.truncated !== lost) {
        throw new KernelError(what, constants.errno.ENOBUFS, 'answers were lost');
      }
      for (let i = 0; i < datagrams; i++) {
        this.#message.reset(this.#socket.startOf(i), this.#socket.endOf(i));
        while (this.#message.next()) {
          // What is left over of a request that was given up is no answer to this one.
          if (this.#message.sequence !== this.#sequence) continue;
          if ((this.#message.flags & NLM_F_DUMP_INTR) !== 0) consistent = false;
          if (this.#message.type === NLMSG_ERROR || this.#message.type === NLMSG_DONE) {
            this.#conclude(what);
            return consistent;
          }
          onAnswer?.(this.#message);
        }
      }
      if (datagrams > 0) continue;
      const remaining = deadline - performance.now();
      if (remaining <= 0) {
        throw new KernelError(what, constants.errno.ETIMEDOUT, `no answer within ${TIMEOUT_MS} ms`);
      }
      waitReadable(this.#socket.fd, Math.ceil(remaining));
    }
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Reads the message that ends the answers. @throws KernelError unless it says 0. */
  #conclude(what: string): void {
    const { type, flags, start, end } = this.#message;
    const view = new DataView(this.slab.buffer, this.slab.byteOffset);
    // The end of a dump says nothing on old kernels.
    const errno = end - start < 4 ? 0 : -view.getInt32(start, true);
    if (errno === 0) return;
    let detail = '';
    if ((flags & NLM_F_ACK_TLVS) !== 0) {
      // The request's header stands between; its payload does not, because of NETLINK_CAP_ACK.
      this.#attribute.reset(type === NLMSG_ERROR ? start + 4 + MESSAGE_HEADER_BYTES : start + 4, end);
      while (this.#attribute.next()) {
        if (this.#attribute.type === NLMSGERR_ATTR_MSG) detail = this.#attribute.string();
      }
    }
    throw new KernelError(what, errno, detail);
  }
}
