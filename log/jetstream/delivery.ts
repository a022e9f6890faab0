/**
 * One short-lived pull consumer, read as fast as it delivers and with bounded memory, that ends itself as soon as a
 * message may have been missed. Whoever reads then opens another one where this one ended. It must not know what makes
 * a stream's sequences valid.
 *
 * The consumer acknowledges nothing, so the server numbers its deliveries 1, 2, 3, … once; a number left out, here or in
 * a heartbeat, is a message lost on the way. The client library's own consume() bounds either the messages or the bytes
 * in flight, not both, and leaves that check to the caller; it costs a tenth more CPU a message (reader.bench.ts).
 */

import { AckPolicy, DeliverPolicy, type JetStreamManager, JsHeaders } from '@nats-io/jetstream';
import { type Msg, nanos, nuid, type Subscription } from '@nats-io/transport-node';
import type { Clock, Timer } from '../clock.ts';
import type { Stored } from '../log.ts';
import { Wakeup } from '../wakeup.ts';
import type { Connection } from './connection.ts';
import { Position } from './position.ts';

/** Messages asked for and not yet taken. */
const WINDOW = 20_000;
/** Bytes a pull may bring, and bytes not yet taken above which no further pull is sent. */
const WINDOW_BYTES = 8 * 1024 ** 2;
const PULL_EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 5000;
// How long the server keeps a consumer that nobody pulls from.
const INACTIVE_MS = 60_000;

export interface DeliveryOptions {
  readonly stream: string;
  /** The first sequence wanted. */
  readonly from: number;
  /** Only messages on this subject; otherwise every one. */
  readonly filter?: string;
  /** End when the server says that it has nothing to deliver now. */
  readonly untilIdle?: boolean;
}

export class Delivery {
  /** Why no more will come, null while more may. */
  ended: string | null = null;
  /** Whether it ended because there was nothing more to deliver. */
  idle = false;
  /** How many messages the consumer had to deliver when it was made. */
  readonly pending: number;
  readonly #connection: Connection;
  readonly #jsm: JetStreamManager;
  readonly #clock: Clock;
  readonly #options: DeliveryOptions;
  readonly #consumer: string;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #position = new Position();
  readonly #arrived = new Wakeup();
  #ready: Stored[] = [];
  #readyBytes = 0;
  #outstanding = 0;
  #delivered = 0;
  #heard = true;
  #monitor: Timer;
  readonly #ignoreDown: () => void;

  /** Makes the consumer and starts it. Throws what the client library throws. */
  static async open(
    connection: Connection,
    jsm: JetStreamManager,
    clock: Clock,
    options: DeliveryOptions,
  ): Promise<Delivery> {
    const info = await connection.guard(() =>
      jsm.consumers.add(options.stream, {
        name: nuid.next(),
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: options.from,
        inactive_threshold: nanos(INACTIVE_MS),
        mem_storage: true,
        num_replicas: 1,
        ...(options.filter === undefined ? {} : { filter_subject: options.filter }),
      }),
    );
    return new Delivery(connection, jsm, clock, options, info.name, info.num_pending);
  }

  private constructor(
    connection: Connection,
    jsm: JetStreamManager,
    clock: Clock,
    options: DeliveryOptions,
    consumer: string,
    pending: number,
  ) {
    this.#connection = connection;
    this.#jsm = jsm;
    this.#clock = clock;
    this.#options = options;
    this.#consumer = consumer;
    this.pending = pending;
    this.#inbox = connection.newInbox();
    this.#subscription = connection.nc.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error) this.#end(error.message);
        else this.#receive(message);
      },
    });
    this.#monitor = this.#startMonitor();
    this.#ignoreDown = connection.onDown(() => this.#end('the connection was lost'));
    if (connection.up) this.#pull();
    else this.#end('the connection was lost');
  }

  /** What is ready, at most `max` messages, waiting for the first; null when it has ended or the signal aborts. */
  async take(max: number, signal: AbortSignal): Promise<readonly Stored[] | null> {
    while (this.#ready.length === 0) {
      if (this.ended !== null || signal.aborted) return null;
      await this.#arrived.wait(signal);
    }
    const batch = this.#ready.length <= max ? this.#ready : this.#ready.slice(0, max);
    this.#ready = batch === this.#ready ? [] : this.#ready.slice(max);
    for (const stored of batch) this.#readyBytes -= stored.data.length;
    this.#pull();
    return batch;
  }

  /** Lets go of the consumer. */
  stop(): void {
    this.#end('stopped');
    this.#ready = [];
    // The server forgets it by itself, this is only sooner.
    if (this.#connection.up) this.#jsm.consumers.delete(this.#options.stream, this.#consumer).catch(() => {});
  }

  #receive(message: Msg): void {
    if (this.ended !== null) return;
    this.#heard = true;
    const subject = message.subject;
    if (subject === this.#inbox) {
      this.#receiveStatus(message);
      return;
    }
    const position = this.#position;
    if (!position.parse(message.reply ?? '')) {
      this.#end(`a message came with the unknown reply subject ${message.reply}`);
      return;
    }
    this.#outstanding--;
    if (position.delivered !== this.#delivered + 1) {
      this.#end(`delivery ${this.#delivered + 1} was lost on the way`);
      return;
    }
    this.#delivered = position.delivered;
    const data = message.data;
    this.#ready.push({ sequence: position.sequence, timeUs: position.timeUs, subject, data });
    this.#readyBytes += data.length;
    if (this.#ready.length === 1) this.#arrived.ring();
    this.#pull();
  }

  #receiveStatus(message: Msg): void {
    const headers = message.headers;
    const code = headers?.code ?? 0;
    const description = headers?.description ?? '';
    if (code === 100) {
      const delivered = Number(headers?.get(JsHeaders.LastConsumerSeqHdr) || this.#delivered);
      if (delivered > this.#delivered) this.#end(`delivery ${delivered} was lost on the way`);
      else if (this.#options.untilIdle) {
        this.idle = true;
        this.#end('nothing more to deliver');
      }
      return;
    }
    // A pull that ran out of time or of its bytes: what it did not bring may be asked for again.
    if (code === 408 || (code === 409 && /exceeds maxbytes/i.test(description))) {
      this.#outstanding -= Number(headers?.get(JsHeaders.PendingMessagesHdr) || 0);
      this.#pull();
      return;
    }
    this.#end(`the server ended it: ${code} ${description}`);
  }

  /** Asks for more when half the window is used up. */
  #pull(): void {
    if (this.ended !== null || this.#readyBytes > WINDOW_BYTES) return;
    const awaited = this.#outstanding + this.#ready.length;
    if (awaited > WINDOW / 2) return;
    const batch = WINDOW - awaited;
    this.#outstanding += batch;
    this.#connection.nc.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${this.#options.stream}.${this.#consumer}`,
      JSON.stringify({
        batch,
        max_bytes: WINDOW_BYTES,
        expires: nanos(PULL_EXPIRES_MS),
        idle_heartbeat: nanos(this.#options.untilIdle ? HEARTBEAT_MS / 10 : HEARTBEAT_MS),
      }),
      { reply: this.#inbox },
    );
  }

  /** Ends when neither message nor heartbeat came for two heartbeats. */
  #startMonitor(): Timer {
    return this.#clock.setTimer(2 * HEARTBEAT_MS, () => {
      if (!this.#heard) {
        this.#end('the server fell silent');
        return;
      }
      this.#heard = false;
      this.#monitor = this.#startMonitor();
    });
  }

  #end(reason: string): void {
    if (this.ended !== null) return;
    this.ended = reason;
    this.#monitor.cancel();
    this.#ignoreDown();
    if (!this.#connection.nc.isClosed()) this.#subscription.unsubscribe();
    this.#arrived.ring();
  }
}
