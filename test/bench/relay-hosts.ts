/** Hosts that die during a benchmark: datagrams from an address of 127.0.0.0/8, as fast as a dying kernel sends them. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A dying kernel waits for its NIC: about 0.1 ms a datagram. */
const PAUSE_EVERY = 16;

export async function sendFrom(host: string, port: number, datagrams: readonly Uint8Array[]): Promise<void> {
  const socket = createSocket('udp4');
  try {
    socket.bind(0, host);
    await once(socket, 'listening');
    for (const [i, datagram] of datagrams.entries()) {
      await new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', resolve));
      if (i % PAUSE_EVERY === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  } finally {
    socket.close();
  }
}
