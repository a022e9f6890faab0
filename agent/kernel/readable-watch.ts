/**
 * Waits in Node's event loop until a file descriptor can be read, whatever it is of. It then lets some more come before
 * it says so: to wake up and receive costs several times as much as a message.
 *
 * Through libuv, as Node's own sockets: 3.5 µs a call (write and read of an eventfd included), no thread. poll(2) on
 * libuv's pool cost 18 µs, took one of its four threads for as long as it waited, and kept the process from exiting.
 */

import { isMainThread } from 'node:worker_threads';
import koffi from 'koffi';

/** How long is waited for more, ms. */
const GATHERING_MS = 20;

export class ReadableWatch {
  readonly #handle: ReturnType<typeof koffi.node.poll>;
  readonly #handler: () => boolean;
  #closed = false;

  /**
   * Calls `handler` some {@link GATHERING_MS} after the descriptor can be read or has an error to tell, again and again
   * until the watch is closed; at the next turn of the event loop when it returns that it left something. An open watch
   * does not keep the process alive.
   * @throws Error in a worker: one that is terminated while its watch is open takes the process with it, since koffi
   * lets go of the watch too late then.
   */
  constructor(fd: number, handler: () => boolean) {
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

  /**
   * koffi calls from outside of Node's callback scope, where exceptions and promises would lie until later. On an error
   * such as a netlink socket's ENOBUFS libuv has stopped already.
   */
  readonly #onEvent = (): void => {
    this.#handle.stop();
    setTimeout(this.#run, GATHERING_MS).unref();
  };

  readonly #run = (): void => {
    if (this.#closed) return;
    const more = this.#handler();
    if (more) setImmediate(this.#run);
    // The handler may have closed it.
    else if (!this.#closed) this.#handle.start({ readable: true }, this.#onEvent);
  };
}
