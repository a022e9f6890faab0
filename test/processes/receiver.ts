/** A receiver of Slack-shaped messages that takes its time, or refuses, when it is told to. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly notification: string;
  readonly body: {
    readonly text?: string;
    readonly attachments?: readonly unknown[];
    readonly blocks?: readonly unknown[];
  };
  /** Whether it was acknowledged. */
  acknowledged: boolean;
}

export class Receiver {
  /** How long it holds a message before it answers, ms. */
  holdMs = 0;
  /** Answers 503. */
  refusing = false;
  readonly received: Received[] = [];
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('request', (request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      request.on('end', () => {
        if (receiver.refusing) {
          response.writeHead(503).end();
          return;
        }
        const notification = String(request.headers['x-netfall-notification'] ?? '');
        const received: Received = { notification, body: JSON.parse(text), acknowledged: false };
        receiver.received.push(received);
        setTimeout(() => {
          received.acknowledged = !request.socket.destroyed;
          response.end('ok');
        }, receiver.holdMs);
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/services/T000/B000/secret`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
