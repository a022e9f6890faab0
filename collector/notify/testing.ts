/** For tests: a clock that stands until it is moved, and a receiver of webhooks that answers as it is told. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Timer } from '@netfall/log';
import { T0 } from '../api/testing.ts';

/** Repeats until `done`, leaving the thread to what is waited for. The test's own timeout bounds it. */
export async function until(done: () => boolean): Promise<void> {
  while (!done()) await nextTurn();
}

export class ManualClock implements Clock {
  #nowUs = T0;
  readonly #timers = new Set<{ readonly atUs: number; readonly fn: () => void }>();

  nowUs(): number {
    return this.#nowUs;
  }

  setTimer(ms: number, fn: () => void): Timer {
    const timer = { atUs: this.#nowUs + ms * 1000, fn };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** How long each pending timer has to go, ms, shortest first. */
  get waits(): number[] {
    return [...this.#timers].map(({ atUs }) => (atUs - this.#nowUs) / 1000).sort((a, b) => a - b);
  }

  advance(ms: number): void {
    this.#nowUs += ms * 1000;
    for (const timer of this.#timers) {
      if (timer.atUs > this.#nowUs) continue;
      this.#timers.delete(timer);
      timer.fn();
    }
  }
}

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Null leaves the request without an answer. */
export type Answer = {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
} | null;

export const OK: Answer = { status: 200, body: 'ok' };

export class Receiver {
  readonly received: Received[] = [];
  /** What comes next; when nothing is left, everything is taken. */
  answers: Answer[] = [];
  readonly #open: ServerResponse[] = [];
  readonly #server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      this.received.push({ path: request.url ?? '', headers: request.headers, body });
      const answer = this.answers.length > 0 ? this.answers.shift() : OK;
      if (!answer) {
        this.#open.push(response);
        return;
      }
      response.writeHead(answer.status, answer.headers).end(answer.body ?? '');
    });
  });

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  /** Ids of the notifications that came, in order. */
  get ids(): (string | string[] | undefined)[] {
    return this.received.map(({ headers }) => headers['x-netfall-notification']);
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/services/T0/B0/s3cret`);
  }

  /** Answers what was left without an answer. */
  release(): void {
    for (const response of this.#open.splice(0)) response.writeHead(200).end('ok');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
