/**
 * Waits in Node's event loop until a file descriptor can be read, whatever it is of.
 *
 * Through libuv, as Node's own sockets: 3.5 µs a call (write and read of an eventfd included), no thread. poll(2) on
 * libuv's pool cost 18 µs, took one of its four threads for as long as it waited, and kept the process from exiting.
 */

import { isMainThread } from 'node:worker_threads';
import koffi from 'koffi';

export class ReadableWatch {
  readonly #handle: ReturnType<typeof koffi.node.poll>;
  readonly #handler: () => void;
  #due = false;
  #stopped = false;
  #closed = false;

  /**
   * Calls `handler` again and again while the descriptor can be read or has an error to tell, until the watch is
   * closed. An open watch does not keep the process alive.
   * @throws Error in a worker: one that is terminated while its watch is open takes the process with it, since koffi
   * lets go of the watch too late then.
   */
  constructor(fd: number, handler: () => void) {
    if (!isMainThread) throw new Error('file descriptors cannot be watched in a worker: use the main thread');
    this.#handler = handler;
    this.#handle = koffi.node.poll(fd, { readable: true }, this.#onEvent);
    this.#handle.unref();
  }

  /** Ends the calls; to be done before the descriptor is closed. A second time does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
  }

  /** koffi calls from outside of Node's callback scope, where exceptions and promises would lie until later. */
  readonly #onEvent = (...[status]: unknown[]): void => {
    // libuv gives up a descriptor that has an error to tell, such as a netlink socket's ENOBUFS.
    this.#stopped = status !== 0;
    if (this.#due) return;
    this.#due = true;
    setImmediate(this.#run);
  };

  readonly #run = (): void => {
    this.#due = false;
    if (this.#closed) return;
    if (this.#stopped) this.#handle.start({ readable: true }, this.#onEvent);
    this.#stopped = false;
    this.#handler();
  };
}
