/** A real log whose connection tests can cut: before a message arrives, or after it did and before that is known. */
import {
  type Blobs,
  type Log,
  LogError,
  type Outgoing,
  openEmbeddedLog,
  type Receipt,
  type Stored,
  sleep,
} from '@netfall/log';
import type { FakeClock } from './fake-clock.ts';

export type Connection = 'up' | 'down' | 'answers-lost';

const RETRY_MS = 1000;

export class FlakyLog {
  readonly log: Log;
  connection: Connection = 'up';
  /** How long an append takes, ms. */
  latencyMs = 0;
  /** The names under which evidence arrived, in order. */
  readonly puts: string[] = [];
  readonly #inner: Log;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
    this.#inner = openEmbeddedLog({ dir: ':memory:', clock });
    this.log = new Proxy(this.#inner, {
      get: (target, name) => {
        if (name === 'evidence') return { ...this.#inner.evidence, put: this.#put };
        if (name === 'append') return (message: Outgoing) => this.#append(message);
        if (name === 'watchLast') {
          return (subject: string, signal: AbortSignal) => this.#watchLast(subject, signal);
        }
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  }

  /** Everything that is stored. */
  async stored(): Promise<readonly Stored[]> {
    const { last } = await this.#inner.info();
    const entries: Stored[] = [];
    for (let sequence = 1; sequence <= last; sequence++) {
      const entry = await this.#inner.get(sequence);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async *#watchLast(subject: string, signal: AbortSignal): AsyncGenerator<Stored, void, void> {
    for await (const newest of this.#inner.watchLast(subject, signal)) {
      while (this.connection === 'down' && !signal.aborted) await sleep(this.#clock, RETRY_MS, signal);
      if (!signal.aborted) yield newest;
    }
  }

  readonly #put: Blobs['put'] = async (name, chunks) => {
    if (this.connection === 'down') throw new LogError('unavailable', 'the server is gone');
    this.puts.push(name);
    await this.#inner.evidence.put(name, chunks);
    if (this.connection === 'answers-lost') throw new LogError('timeout', 'no answer came');
  };

  async #append(message: Outgoing): Promise<Receipt> {
    if (this.latencyMs > 0) {
      await new Promise<void>((resolve) => this.#clock.setTimer(this.latencyMs, resolve));
    }
    if (this.connection === 'down') throw new LogError('unavailable', 'the server is gone');
    const receipt = await this.#inner.append(message);
    if (this.connection === 'answers-lost') throw new LogError('timeout', 'no answer came');
    return receipt;
  }
}
