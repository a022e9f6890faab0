/**
 * The alerts that reach a socket, and those that do not. It must not know who switched the monitor on, nor what becomes
 * of the alerts.
 */

import { MessageCursor } from '../../kernel/netlink/message.ts';
import type { NetlinkSocket } from '../../kernel/netlink/socket.ts';
import { type AlertKind, AlertReader } from './alert-reader.ts';

/** The part of a netlink socket that this needs. */
export type AlertSocket = Pick<
  NetlinkSocket,
  | 'slab'
  | 'datagrams'
  | 'receive'
  | 'startOf'
  | 'endOf'
  | 'overflows'
  | 'truncated'
  | 'join'
  | 'onReadable'
  | 'close'
  | 'protocol'
  | 'portId'
>;

/** Receptions on end, after which others have their turn. */
const MOST_RECEPTIONS = 16;

export class Alerts {
  /** What was read last, valid until the next alert. */
  readonly reader: AlertReader;
  readonly slab: Uint8Array;
  readonly #socket: AlertSocket;
  readonly #drops: () => number | undefined;
  readonly #cursor: MessageCursor;
  #malformed = 0;
  /** What the handler threw, for whoever reads next: the event loop has nobody to tell. */
  #failure: unknown;

  /** @param drops messages that the kernel could not queue for the socket; undefined when it does not tell. */
  constructor(socket: AlertSocket, drops: () => number | undefined) {
    this.#socket = socket;
    this.#drops = drops;
    this.slab = socket.slab;
    this.reader = new AlertReader(socket.slab);
    this.#cursor = new MessageCursor(socket.slab);
  }

  /** Receives from a group too. @throws KernelError: EPERM without CAP_SYS_ADMIN. */
  join(group: number): void {
    this.#socket.join(group);
  }

  /**
   * Calls `handler` from the event loop when there is something to read, and soon again when it returns that it left some.
   * What it throws, the next reading throws.
   */
  onReadable(handler: () => boolean): void {
    this.#socket.onReadable(() => {
      if (this.#failure !== undefined) return false;
      try {
        return handler();
      } catch (error) {
        this.#failure = error;
        return false;
      }
    });
  }

  /** Visits what is there, or the first thousand or so of it. @returns whether that may not be all. @throws KernelError */
  read(visit: (kind: AlertKind) => void): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    const socket = this.#socket;
    for (let reception = 0; reception < MOST_RECEPTIONS; reception++) {
      const datagrams = socket.receive();
      for (let i = 0; i < datagrams; i++) {
        this.#cursor.reset(socket.startOf(i), socket.endOf(i));
        while (this.#cursor.next()) {
          const kind = this.reader.read(this.#cursor);
          if (kind === 'malformed') this.#malformed++;
          else visit(kind);
        }
        if (this.#cursor.rest > 0) this.#malformed++;
      }
      if (datagrams < socket.datagrams) return false;
    }
    return true;
  }

  /** Messages that the socket had no room for, and that could not be read, since it was opened. */
  losses(): { readonly full: number; readonly malformed: number } {
    return {
      full: this.#drops() ?? this.#socket.overflows,
      malformed: this.#malformed + this.#socket.truncated,
    };
  }

  close(): void {
    this.#socket.close();
  }
}
