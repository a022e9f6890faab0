import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CrashFloodOptions, crashFlood } from './crash-flood.ts';
import { fleetTraffic, forgedTraffic, TO_NETCONSOLE, TO_NETOOPS } from './crash-traffic.ts';
import type { WriteDatagram } from './datagrams.ts';
import { written } from './testing/written.ts';

/** Few enough for the smallest receive buffers: what they could not hold would be lost. */
const COUNT = 150;

/** What some traffic sends to each of both destinations, with the sources. */
function expected(write: WriteDatagram): [netoops: string[], netconsole: string[]] {
  const datagrams = written(write, COUNT);
  const lines = (to: number) =>
    datagrams
      .filter(({ destination }) => destination === to)
      .map(({ source, bytes }) => `${dotted(source)} ${bytes.toString('hex')}`);
  return [lines(TO_NETOOPS), lines(TO_NETCONSOLE)];
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >> shift) & 0xff).join('.');
}

/** How many addresses there are in lines that begin with one. */
function sourcesIn(lines: readonly string[]): number {
  return new Set(lines.map((line) => line.split(' ')[0])).size;
}

let sockets: [Socket, Socket];
let got: [string[], string[]];

beforeEach(async () => {
  got = [[], []];
  sockets = [createSocket('udp4'), createSocket('udp4')];
  for (const [i, socket] of sockets.entries()) {
    socket.on('message', (bytes, { address }) => {
      got[i]!.push(`${address} ${bytes.toString('hex')}`);
      if (got[0].length + got[1].length === COUNT) sockets[0].emit('complete');
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  }
});

afterEach(() => {
  for (const socket of sockets) socket.close();
});

/** Runs a flood to the two sockets and waits until they have all of it. */
async function flood(options: Partial<CrashFloodOptions>): Promise<number> {
  const complete = once(sockets[0], 'complete');
  const [netoopsPort, netconsolePort] = sockets.map((socket) => socket.address().port);
  const { sent } = await crashFlood({
    netoopsPort: netoopsPort!,
    netconsolePort: netconsolePort!,
    count: COUNT,
    ...options,
  }).done;
  await complete;
  return sent;
}

describe('a flood of crashes', () => {
  it('is exactly what a fleet sends, each host from its address', async () => {
    expect(await flood({ senders: 40, netoopsShare: 0.4, seed: 7 })).toBe(COUNT);
    const [netoops, netconsole] = expected(fleetTraffic({ hosts: 40, netoopsShare: 0.4, seed: 7 }));
    expect(got[TO_NETOOPS]).toEqual(netoops);
    expect(got[TO_NETCONSOLE]).toEqual(netconsole);
    expect([netoops.length, netconsole.length]).toEqual([60, 90]);
    expect(sourcesIn([...netoops, ...netconsole])).toBe(40);
  });

  it('comes from as many forged addresses as it has datagrams', async () => {
    expect(await flood({ spoofed: 1_000_000, payload: 'random', rate: 50_000 })).toBe(COUNT);
    const traffic = { addresses: 1_000_000, netoopsShare: 0.5, random: true, seed: 1 };
    const [netoops, netconsole] = expected(forgedTraffic(traffic));
    expect(got[TO_NETOOPS]).toEqual(netoops);
    expect(got[TO_NETCONSOLE]).toEqual(netconsole);
    expect(sourcesIn([...netoops, ...netconsole])).toBe(COUNT);
  });
});

describe('the command', () => {
  it.each([
    { options: { count: 1 }, why: '--netoopsPort or --netconsolePort must say where to send' },
    { options: { count: 1, netoopsPort: 70_000 }, why: '--netoopsPort must be from 1 to 65535, not 70000' },
    {
      options: { count: 1, netoopsPort: 9, netoopsShare: 0.5 },
      why: '--netoopsShare=0.5 needs the other port, too',
    },
    {
      options: { count: 1, netoopsPort: 9, senders: 983_041 },
      why: '--senders must be from 1 to 983040, not 983041',
    },
    {
      options: { count: 1, netoopsPort: 9, payload: 'random' },
      why: '--payload=random needs --spoofed',
    },
  ] as const)('refuses $options', async ({ options, why }) => {
    await expect(crashFlood(options).done).rejects.toThrow(`RangeError: ${why}`);
  });

  it('sends one protocol when it has one port', async () => {
    const { sent } = await crashFlood({ count: 10, netoopsPort: 9 }).done;
    expect(sent).toBe(10);
  });
});
