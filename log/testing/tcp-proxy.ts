/**
 * A TCP proxy on loopback with the faults of a network: it can cut every connection, refuse new ones, or swallow what
 * the far side answers. For tests; it must not know the protocol that passes through.
 */

import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Whether to drop what the server sends; what goes to it always passes. Usually a cut must follow. */
  swallow: (answer: Buffer) => boolean;
  /** Bytes the server has sent that were let through. */
  readonly passedBytes: number;
  /** While true, new connections are closed at once. */
  refuse: boolean;
  /** Breaks every connection that stands. */
  cut(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let passedBytes = 0;
  const server = createServer((client) => {
    if (proxy.refuse) {
      client.destroy();
      return;
    }
    const upstream = connect(targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      // What breaks here is seen by the other side as a closed connection, which is the point.
      socket.on('error', () => {});
    }
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      if (client.destroyed || proxy.swallow(chunk)) return;
      passedBytes += chunk.length;
      if (client.write(chunk)) return;
      upstream.pause();
      client.once('drain', () => upstream.resume());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const proxy: TcpProxy = {
    port: address.port,
    swallow: () => false,
    get passedBytes() {
      return passedBytes;
    },
    refuse: false,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    close() {
      proxy.cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}
