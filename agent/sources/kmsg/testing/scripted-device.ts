/** A /dev/kmsg for tests: holds what it is given, and loses what it is told to. */
import type { KmsgDevice } from '../device.ts';

export class ScriptedKmsg implements KmsgDevice {
  readonly fd = undefined;
  /** Of the message that comes next. */
  #seq = 0;
  #waiting: (string | typeof OVERWRITTEN)[] = [];
  /** Where reading is. */
  #at = 0;
  closed = 0;

  /** Logs a message. @returns its number. @param priority facility * 8 + level */
  log(uptimeS: number, text: string, priority = 4): number {
    this.#waiting.push(`${priority},${this.#seq},${Math.round(uptimeS * 1_000_000)},-;${text}\n`);
    return this.#seq++;
  }

  /** Messages that are gone before they are read. */
  overwrite(messages: number): void {
    this.#seq += messages;
    this.#waiting.push(OVERWRITTEN);
  }

  /** Something that is no record. */
  garble(bytes: string): void {
    this.#waiting.push(bytes);
  }

  /** Opens it: reading begins at the oldest message. */
  open(): this {
    this.#at = 0;
    return this;
  }

  read(into: Uint8Array): number {
    const next = this.#waiting[this.#at];
    if (next === undefined) return 0;
    this.#at++;
    if (next === OVERWRITTEN) return -1;
    return Buffer.from(into.buffer).write(next);
  }

  close(): void {
    this.closed++;
  }
}

const OVERWRITTEN = Symbol();
