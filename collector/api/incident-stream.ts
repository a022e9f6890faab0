/**
 * Incidents as server-sent events. Each change of an incident is sent to every client as the whole incident, so that a
 * client needs no order and may see one twice; the id of an event is the log sequence up to which the client has then
 * seen everything. `reset` tells a client to read the list anew: it has missed more than is kept here.
 *
 * Memory is bounded: clients, the history for those that come back, and what a slow client may leave unread.
 */
import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '@netfall/log';
import type { Metrics } from './metrics.ts';
import type { Commit, Reader } from './reader.ts';

export interface StreamLimits {
  readonly clients: number;
  /** Unread bytes at which a client counts as too slow. */
  readonly clientBytes: number;
  /** What is kept for clients that come back. */
  readonly historyBytes: number;
  /** The shortest time between two rounds of events, ms: changes of one incident in between are sent as one. */
  readonly roundMs: number;
  readonly heartbeatMs: number;
}

export const STREAM_LIMITS: StreamLimits = {
  clients: 256,
  clientBytes: 4 * 1024 * 1024,
  historyBytes: 2 * 1024 * 1024,
  roundMs: 500,
  heartbeatMs: 15_000,
};

/** What was sent in one round, and the sequence that it brought clients up to. */
interface Round {
  readonly sequence: number;
  readonly bytes: Buffer;
}

const HEARTBEAT = Buffer.from(': still here\n\n');

export class IncidentStream {
  readonly #reader: Reader;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #limits: StreamLimits;
  readonly #clients = new Set<ServerResponse>();
  readonly #changed = new Set<string>();
  readonly #unsubscribe: () => void;
  #history: Round[] = [];
  #historyBytes = 0;
  /** Everything after this sequence is in the history. */
  #historyFrom: number;
  /** What clients have been brought up to, and what the changes noted since amount to. */
  #sequence: number;
  #nextSequence: number;
  #round: Timer | null = null;
  #heartbeat: Timer;

  constructor(reader: Reader, clock: Clock, metrics: Metrics, limits: StreamLimits = STREAM_LIMITS) {
    this.#reader = reader;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#limits = limits;
    this.#sequence = this.#nextSequence = this.#historyFrom = reader.sequence();
    this.#unsubscribe = reader.onChange((commit) => this.#note(commit));
    this.#heartbeat = clock.setTimer(limits.heartbeatMs, () => this.#beat());
  }

  get isFull(): boolean {
    return this.#clients.size >= this.#limits.clients;
  }

  /**
   * Takes over a response whose headers are written. `lastSequence` is where the client says it stopped, or null for a
   * new one. The caller checks `isFull` first.
   */
  add(response: ServerResponse, lastSequence: number | null): void {
    this.#clients.add(response);
    this.#metrics.streamsOpen(this.#clients.size);
    response.on('close', () => {
      this.#clients.delete(response);
      this.#metrics.streamsOpen(this.#clients.size);
    });
    // A client that is ahead read from another replica, or from a log that is no more.
    const resumes =
      lastSequence !== null && lastSequence >= this.#historyFrom && lastSequence <= this.#sequence;
    const missed = resumes ? this.#history.filter(({ sequence }) => sequence > lastSequence) : [];
    const start = resumes ? ': resumed\n\n' : resetEvent(this.#sequence);
    this.#send(
      response,
      Buffer.concat([Buffer.from(`retry: 2000\n${start}`), ...missed.map(({ bytes }) => bytes)]),
    );
  }

  close(): void {
    this.#unsubscribe();
    this.#round?.cancel();
    this.#heartbeat.cancel();
    for (const client of this.#clients) client.end();
  }

  #note({ sequence, incidents, replaced }: Commit): void {
    if (replaced) {
      this.#startOver(sequence);
      return;
    }
    this.#nextSequence = Math.max(this.#nextSequence, sequence);
    for (const id of incidents) this.#changed.add(id);
    if (this.#changed.size > 0 && this.#round === null) this.#sendRound();
  }

  #sendRound(): void {
    this.#round = this.#clock.setTimer(this.#limits.roundMs, () => {
      this.#round = null;
      if (this.#changed.size > 0) this.#sendRound();
    });
    this.#sequence = this.#nextSequence;
    const bytes = this.#takeChanges();
    if (bytes === null) {
      this.#startOver(this.#sequence);
    } else if (bytes.length > 0) {
      this.#keep({ sequence: this.#sequence, bytes });
      for (const client of this.#clients) this.#send(client, bytes);
    }
  }

  /** Sends every client back to the list, as of `sequence`. */
  #startOver(sequence: number): void {
    this.#sequence = this.#nextSequence = this.#historyFrom = sequence;
    this.#history = [];
    this.#historyBytes = 0;
    this.#changed.clear();
    const bytes = Buffer.from(resetEvent(sequence));
    for (const client of this.#clients) this.#send(client, bytes);
  }

  /** The changes as events, or null when they are more than a client should be sent at once. */
  #takeChanges(): Buffer | null {
    const events: string[] = [];
    let size = 0;
    for (const id of this.#changed) {
      const incident = this.#reader.getIncident(id);
      // A candidate may be gone without a word.
      if (!incident || incident.state === 'candidate') continue;
      const event = `event: incident\ndata: ${JSON.stringify(incident)}\n`;
      size += event.length;
      if (size > this.#limits.historyBytes) break;
      events.push(event);
    }
    this.#changed.clear();
    if (size > this.#limits.historyBytes) return null;
    // Only the last event carries the id: a client that saw a part of the round gets all of it again.
    const last = events.pop();
    return Buffer.from(
      [...events.map((event) => `${event}\n`), last ? `${last}id: ${this.#sequence}\n\n` : ''].join(''),
    );
  }

  #keep(round: Round): void {
    this.#history.push(round);
    this.#historyBytes += round.bytes.length;
    while (this.#historyBytes > this.#limits.historyBytes) {
      const oldest = this.#history.shift();
      if (!oldest) return;
      this.#historyBytes -= oldest.bytes.length;
      this.#historyFrom = oldest.sequence;
    }
  }

  #send(client: ServerResponse, bytes: Buffer): void {
    if (client.destroyed || client.writableEnded) return;
    client.write(bytes);
    if (client.writableLength <= this.#limits.clientBytes) return;
    this.#metrics.streamEnded('slow');
    client.destroy();
  }

  #beat(): void {
    this.#heartbeat = this.#clock.setTimer(this.#limits.heartbeatMs, () => this.#beat());
    for (const client of this.#clients) this.#send(client, HEARTBEAT);
  }
}

function resetEvent(sequence: number): string {
  return `event: reset\ndata: {"sequence":${sequence}}\nid: ${sequence}\n\n`;
}
