/**
 * Sockets of one network namespace and what each has lost, as `ss -m` asks for them. Needs no privileges. It must not know
 * what is done with them.
 *
 * Layouts: `struct inet_diag_req_v2` and `inet_diag_msg` in include/uapi/linux/inet_diag.h, `packet_diag_req` and
 * `packet_diag_msg` in packet_diag.h, SK_MEMINFO_* in sock_diag.h (with drops since Linux 4.7).
 */
import { AttributeCursor, type MessageCursor } from './message.ts';
import { NetlinkProtocol } from './socket.ts';
import { MessageFlag, NetlinkRequester } from './transaction.ts';
import { MessageWriter } from './writer.ts';

/** A socket as a listing shows it, valid until the next one. */
export interface ListedSocket {
  readonly inode: number;
  /** Packets that it has lost so far, modulo 2^32. */
  readonly drops: number;
  /** Its local port; of raw sockets the IP protocol, of packet sockets the EtherType. */
  readonly port: number;
  /** Its local address in network order: 4 bytes or 16, none of packet sockets. */
  address(): Uint8Array;
}

export const AddressFamily = { ipv4: 2, ipv6: 10, packet: 17 } as const;
export const IpProtocol = { tcp: 6, udp: 17 } as const;
/** Of TCP's states, as bits. */
export const SocketState = { listen: 1 << 10, any: 0xffff_ffff } as const;

/** What is asked for: a family, and of the IP families a protocol and states. */
export interface SocketQuery {
  readonly family: number;
  readonly protocol?: number;
  readonly states?: number;
}

const SOCK_DIAG_BY_FAMILY = 20;
const INET_REQUEST_BYTES = 56;
const PACKET_REQUEST_BYTES = 20;
const INET_DIAG_SKMEMINFO = 7;
const PACKET_SHOW_MEMINFO = 0x10;
const PACKET_DIAG_MEMINFO = 6;
const MEMINFO_DROPS = 8 * 4;
const INET_MESSAGE = { bytes: 72, port: 4, address: 8, inode: 68 } as const;
const PACKET_MESSAGE = { bytes: 16, protocol: 2, inode: 4 } as const;
/** Small, for one is opened at every visit to another namespace. */
const DATAGRAM_BYTES = 8192;

export class SocketDiag implements ListedSocket {
  inode = 0;
  drops = 0;
  port = 0;
  #family = 0;
  #addressAt = 0;
  readonly #requester = new NetlinkRequester(NetlinkProtocol.socketDiagnosis, DATAGRAM_BYTES);
  readonly #attribute: AttributeCursor;
  readonly #view: DataView;
  readonly #request = new MessageWriter(128);

  /** Of the namespace that this thread is in. @throws KernelError */
  constructor() {
    const { slab } = this.#requester;
    this.#attribute = new AttributeCursor(slab);
    this.#view = new DataView(slab.buffer, slab.byteOffset, slab.byteLength);
  }

  address(): Uint8Array {
    const bytes = this.#family === AddressFamily.ipv4 ? 4 : this.#family === AddressFamily.ipv6 ? 16 : 0;
    return this.#requester.slab.subarray(this.#addressAt, this.#addressAt + bytes);
  }

  /**
   * Lists sockets.
   * @returns how many messages made no sense.
   * @throws KernelError: ENOENT when the kernel has not what lists them.
   */
  list({ family, protocol = 0, states = 0 }: SocketQuery, visit: (socket: ListedSocket) => void): number {
    this.#request.begin(SOCK_DIAG_BY_FAMILY, MessageFlag.dump);
    const inet = family !== AddressFamily.packet;
    const at = this.#request.header(inet ? INET_REQUEST_BYTES : PACKET_REQUEST_BYTES);
    const message = this.#request.finish();
    const view = new DataView(message.buffer, message.byteOffset);
    view.setUint8(at, family);
    view.setUint8(at + 1, protocol);
    if (inet) {
      view.setUint8(at + 2, 1 << (INET_DIAG_SKMEMINFO - 1));
      view.setUint32(at + 4, states, true);
    } else {
      view.setUint32(at + 8, PACKET_SHOW_MEMINFO, true);
    }
    this.#family = family;
    let malformed = 0;
    this.#requester.request('SOCK_DIAG_BY_FAMILY', message, (answer) => {
      if (inet ? this.#takeInet(answer) : this.#takePacket(answer)) visit(this);
      else malformed++;
    });
    return malformed;
  }

  close(): void {
    this.#requester.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #takeInet({ start, end }: MessageCursor): boolean {
    if (end - start < INET_MESSAGE.bytes) return false;
    this.port = this.#view.getUint16(start + INET_MESSAGE.port, false);
    this.#addressAt = start + INET_MESSAGE.address;
    this.inode = this.#view.getUint32(start + INET_MESSAGE.inode, true);
    return this.#takeDrops(start + INET_MESSAGE.bytes, end, INET_DIAG_SKMEMINFO);
  }

  #takePacket({ start, end }: MessageCursor): boolean {
    if (end - start < PACKET_MESSAGE.bytes) return false;
    this.port = this.#view.getUint16(start + PACKET_MESSAGE.protocol, true);
    this.inode = this.#view.getUint32(start + PACKET_MESSAGE.inode, true);
    return this.#takeDrops(start + PACKET_MESSAGE.bytes, end, PACKET_DIAG_MEMINFO);
  }

  #takeDrops(start: number, end: number, type: number): boolean {
    this.#attribute.reset(start, end);
    while (this.#attribute.next()) {
      if (this.#attribute.type !== type) continue;
      if (this.#attribute.end - this.#attribute.start < MEMINFO_DROPS + 4) return false;
      this.drops = this.#view.getUint32(this.#attribute.start + MEMINFO_DROPS, true);
      return true;
    }
    return false;
  }
}
