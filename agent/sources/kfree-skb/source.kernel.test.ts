import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { DropRow } from '../../source.ts';
import { probeKfreeSkb } from './probe.ts';
import { KfreeSkbSource } from './source.ts';

const probe = probeKfreeSkb();

describe.skipIf(probe.state === 'unavailable')(`the source kfree-skb (needs BPF: ${probe.detail})`, () => {
  it('hands on drops as they happen, and nothing once it is stopped', async () => {
    const source = new KfreeSkbSource('/', 1024);
    const rows: DropRow[] = [];
    const losses: string[] = [];
    const into = {
      drop: (row: Readonly<DropRow>) => rows.push({ ...row }),
      counter: () => {},
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
    expect(rows.every((row) => row.function !== '?')).toBe(true);
    rows.length = 0;
    source.collect(into);
    expect(rows).toEqual([]);
  });
});

it('the source kfree-skb is unavailable under a root without a kernel', () => {
  const source = new KfreeSkbSource('/nowhere', 1024);
  expect(source.probe().state).toBe('unavailable');
  expect(() => source.start()).toThrow();
  source.stop();
});
