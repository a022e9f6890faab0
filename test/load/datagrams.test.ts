import { createSocket } from 'node:dgram';
import { expect, it } from 'vitest';
import { DatagramBatch, openSocket, sendPaced, sendWritten } from './datagrams.ts';
import { socketAddress } from './udp-flood.ts';

const AF_INET = 2;
const SOCK_DGRAM = 2;

/** Opens a port, lets `send` send to it, and resolves with the first datagrams that arrive. */
async function received(count: number, send: (port: number) => void): Promise<string[]> {
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return await new Promise((resolve) => {
      const datagrams: string[] = [];
      socket.on('message', (bytes, { address }) => {
        datagrams.push(`${address} ${bytes.toString('latin1')}`);
        if (datagrams.length === count) resolve(datagrams);
      });
      send(socket.address().port);
    });
  } finally {
    socket.close();
  }
}

it('sends prepared datagrams in turn', async () => {
  const payloads = ['one', 'two', 'three'].map((text) => new Uint8Array(Buffer.from(text)).buffer);
  let sent = 0;
  const got = await received(100, (port) => {
    sent = sendPaced(
      openSocket(AF_INET, SOCK_DGRAM, 0),
      socketAddress('127.0.0.1', port),
      payloads,
      100,
      0,
    ).sent;
  });
  expect(sent).toBe(100);
  const texts = ['one', 'two', 'three'];
  expect(got).toEqual(Array.from({ length: 100 }, (_, i) => `127.0.0.1 ${texts[i % 3]}`));
});

it('sends written datagrams, from and to where each of them says', async () => {
  const batch = (port: number) =>
    new DatagramBatch(8, [socketAddress('127.0.0.1', 9), socketAddress('127.0.0.1', port)]);
  let sent = 0;
  const got = await received(100, (port) => {
    sent = sendWritten(
      openSocket(AF_INET, SOCK_DGRAM, 0),
      batch(port),
      (slots, slot, n) => {
        const length = 1 + (n % 8);
        const at = slots.put(slot, new Uint8Array(length).fill(0x61), 0x7f00_0100 + n, n % 2);
        slots.view.setUint8(at + length - 1, 0x41 + (n % 26));
      },
      200,
      0,
    ).sent;
  });
  expect(sent).toBe(200);
  // The first destination is another port.
  const odd = Array.from({ length: 100 }, (_, i) => 2 * i + 1);
  const letter = (n: number) => String.fromCharCode(0x41 + (n % 26));
  expect(got).toEqual(odd.map((n) => `127.0.1.${n} ${'a'.repeat(n % 8)}${letter(n)}`));
});

it('refuses a datagram that is longer than a slot', () => {
  const batch = new DatagramBatch(8, [socketAddress('127.0.0.1', 9)]);
  expect(() => batch.put(0, new Uint8Array(9), 0x7f00_0001, 0)).toThrow(
    new RangeError('a slot has 8 bytes, and the datagram 9'),
  );
});
