/**
 * One connection to a NATS cluster that is kept up for ever: whether it stands, who waits for it, and requests that
 * fail at once when it breaks instead of waiting for their time-out. It must not know of streams.
 */

import { readFileSync } from 'node:fs';
import {
  connect,
  createInbox,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
  type Status,
  type TlsOptions,
} from '@nats-io/transport-node';
import { LogError } from '../log.ts';
import { Wakeup } from '../wakeup.ts';

export type Credentials =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  /** A file as `nsc` writes it; read again at every connect, so it may be renewed in place. */
  | { readonly credsFile: string };

export interface ConnectionOptions {
  /** URLs, e.g. `nats://10.0.0.1:4222`; the rest of a cluster is learned from them. */
  readonly servers: readonly string[];
  readonly credentials?: Credentials;
  readonly tls?: TlsOptions;
  /** What the subjects begin with on which replies come (default `_INBOX`). */
  readonly inboxPrefix?: string;
  /** What the server's own lists show for this connection. */
  readonly name?: string;
  /** Told in one line what an operator should know: lost, back, refused. */
  readonly notice?: (message: string) => void;
}

// A peer that is silent for two of these is given up: a half-open connection is noticed within 15 s.
const PING_MS = 5000;
const RECONNECT_MS = 500;

export class Connection {
  readonly nc: NatsConnection;
  readonly servers: string;
  readonly notice: (message: string) => void;
  readonly #inboxPrefix: string | undefined;
  readonly #changed = new Wakeup();
  readonly #whenDown = new Set<() => void>();
  readonly #guarded = new Set<(error: LogError) => void>();
  #up = true;
  #closed = false;

  private constructor(nc: NatsConnection, options: ConnectionOptions) {
    this.nc = nc;
    this.servers = options.servers.join(', ');
    this.notice = options.notice ?? (() => {});
    this.#inboxPrefix = options.inboxPrefix;
    void this.#watch(nc.status());
  }

  /** Connects once, or throws LogError `unavailable`; from then on reconnects for ever. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    try {
      return new Connection(await connect(natsOptions(options)), options);
    } catch (error) {
      const servers = options.servers.join(', ');
      throw new LogError(
        'unavailable',
        `cannot connect to ${servers}: ${error instanceof Error ? error.message : error}: start it or mend the URL`,
        { cause: error },
      );
    }
  }

  get up(): boolean {
    return this.#up;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** A new subject for replies. */
  newInbox(): string {
    return createInbox(this.#inboxPrefix);
  }

  /**
   * Runs a request that needs the connection. Fails with LogError `unavailable` when there is none or when it breaks
   * meanwhile: what was under way then may or may not have been done.
   */
  guard<T>(request: () => Promise<T>): Promise<T> {
    if (!this.#up) return Promise.reject(this.#lost());
    return new Promise((resolve, reject) => {
      this.#guarded.add(reject);
      request()
        .then(resolve, reject)
        .finally(() => this.#guarded.delete(reject));
    });
  }

  /** Resolves when the connection stands, is closed, or the signal aborts. */
  async whenUp(signal: AbortSignal): Promise<void> {
    while (!this.#up && !this.#closed && !signal.aborted) await this.#changed.wait(signal);
  }

  /** Calls `listener` whenever the connection breaks or is closed, until the returned function is called. */
  onDown(listener: () => void): () => void {
    this.#whenDown.add(listener);
    return () => this.#whenDown.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#down();
    await this.nc.close();
  }

  async #watch(statuses: AsyncIterable<Status>): Promise<void> {
    for await (const status of statuses) {
      if (status.type === 'disconnect') {
        if (!this.#closed) this.notice(`lost the connection to ${this.servers}, reconnecting`);
        this.#down();
      } else if (status.type === 'reconnect') {
        this.#up = true;
        this.notice(`connected to ${status.server} again`);
        this.#changed.ring();
      } else if (status.type === 'error') {
        this.notice(`${this.servers} refused something: ${status.error.message}`);
      }
    }
    if (this.#closed) return;
    // Reconnecting never gives up, so this is a fault that no waiting mends.
    this.notice(`gave up the connection to ${this.servers}: restart this process`);
    this.#closed = true;
    this.#down();
  }

  #down(): void {
    this.#up = false;
    const error = this.#lost();
    for (const reject of this.#guarded) reject(error);
    this.#guarded.clear();
    for (const listener of [...this.#whenDown]) listener();
    this.#changed.ring();
  }

  #lost(): LogError {
    return this.#closed
      ? new LogError('closed', `the connection to ${this.servers} is closed: open the log again`)
      : new LogError('unavailable', `no connection to ${this.servers}: try again, it reconnects by itself`);
  }
}

function natsOptions(options: ConnectionOptions): NodeConnectionOptions {
  const { credentials } = options;
  const common: NodeConnectionOptions = {
    servers: [...options.servers],
    maxReconnectAttempts: -1,
    // A revoked password may be mended on the server's side while this process runs.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: RECONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    // The stack of every request is not worth its cost.
    noAsyncTraces: true,
  };
  if (options.name !== undefined) common.name = options.name;
  if (options.tls) common.tls = options.tls;
  if (options.inboxPrefix !== undefined) common.inboxPrefix = options.inboxPrefix;
  if (!credentials) return common;
  if ('token' in credentials) return { ...common, token: credentials.token };
  if ('user' in credentials) return { ...common, user: credentials.user, pass: credentials.password };
  return { ...common, authenticator: credsAuthenticator(() => readFileSync(credentials.credsFile)) };
}
