import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DropSample } from '@netfall/proto';
import { describe, expect, it } from 'vitest';
import type { DropRow } from '../../source.ts';
import { probeKfreeSkb } from './probe.ts';
import { KfreeSkbSource } from './source.ts';

const probe = probeKfreeSkb();

const options = (root: string) => ({
  root,
  maxEntries: 1024,
  samples: true,
  maxCpuPercent: 100,
  nowUs: () => Date.now() * 1000,
});

describe.skipIf(probe.state === 'unavailable')(`the source kfree-skb (needs BPF: ${probe.detail})`, () => {
  it('hands on drops as they happen, and nothing once it is stopped', async () => {
    const source = new KfreeSkbSource(options('/'));
    const rows: DropRow[] = [];
    const losses: string[] = [];
    const samples: DropSample[] = [];
    const into = {
      drop: (row: Readonly<DropRow>) => rows.push({ ...row }),
      counter: () => {},
      wantsSample: (reason: string) => reason === 'NO_SOCKET' && samples.length === 0,
      sample: (sample: DropSample) => samples.push(sample),
      loss: (hop: string) => losses.push(hop),
    };
    source.collect(into);
    expect(rows).toEqual([]);
    source.start();
    try {
      source.collect(into);
      rows.length = 0;
      const socket = createSocket('udp4');
      for (let i = 0; i < 20; i++) {
        socket.send('x', 9, '127.0.0.1');
        await sleep(1);
      }
      socket.close();
      await once(socket, 'close');
      source.collect(into);
    } finally {
      source.stop();
      source.stop();
    }
    const mine = rows.find(({ reason, protocol }) => reason === 'NO_SOCKET' && protocol === 'IPv4');
    expect(mine?.origin).toBe(1);
    expect(mine?.events).toBeGreaterThanOrEqual(20);
    expect(samples).toMatchObject([
      {
        reason: 'NO_SOCKET',
        origin: 1,
        interface: 'lo',
        namespace: '',
        length: 14 + 20 + 8 + 1,
        ether_type: 0,
        flows: [
          {
            source: '127.0.0.1',
            destination: '127.0.0.1',
            protocol: 'UDP',
            destination_port: 9,
            tunnel_id: 0,
          },
        ],
      },
    ]);
    expect(Math.abs(samples[0]!.observed_us - Date.now() * 1000)).toBeLessThan(60_000_000);
    expect(rows.every((row) => row.function !== '?')).toBe(true);
    rows.length = 0;
    source.collect(into);
    expect(rows).toEqual([]);
  });
});

it('the source kfree-skb is unavailable under a root without a kernel', () => {
  const source = new KfreeSkbSource(options('/nowhere'));
  expect(source.probe().state).toBe('unavailable');
  expect(() => source.start()).toThrow();
  source.stop();
});
