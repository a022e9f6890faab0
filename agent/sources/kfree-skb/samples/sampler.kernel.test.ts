import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Namespace } from '../../../../test/load/namespace.ts';
import { udpFlood } from '../../../../test/load/udp-flood.ts';
import { ownCapabilities } from '../../../kernel/capabilities.ts';
import { type KfreeSkbCounter, openKfreeSkb, probeKfreeSkb } from '../index.ts';

const works =
  process.platform === 'linux' &&
  ownCapabilities().has('CAP_SYS_ADMIN') &&
  spawnSync('ip', ['netns', 'list']).status === 0 &&
  probeKfreeSkb().state === 'ok';

interface Seen {
  reason: string;
  function: string;
  packet: Buffer;
  network: number;
  length: number;
  arrivedOn: number;
  namespace: number;
}

const ETHERNET = 14;
const UDP_OVER_IPV4 = 28;

describe.skipIf(!works)(
  'samples (needs root, iproute2 and a kernel with BTF and drop reasons)',
  { retry: 3 },
  () => {
    let namespace: Namespace;
    let inode: number;
    beforeAll(() => {
      namespace = new Namespace('netfall-samples');
      const { stdout } = spawnSync('ip', ['netns', 'exec', namespace.name, 'readlink', '/proc/self/ns/net']);
      inode = Number(/\d+/.exec(String(stdout))?.[0]);
    });
    afterAll(() => namespace[Symbol.dispose]());

    const flood = (count: number, payloadBytes: number, host = '127.0.0.1') =>
      udpFlood({ namespace: namespace.name, host, port: 9, count, payloadBytes }).done;

    /** The samples out of the namespace. */
    function read(counter: KfreeSkbCounter): Seen[] {
      const seen: Seen[] = [];
      counter.read(() => {});
      counter.readSamples((site, sample) => {
        if (sample.namespace !== inode) return;
        const { start, copied, network, length, arrivedOn } = sample;
        const packet = Buffer.from(sample.bytes.subarray(start, start + copied));
        seen.push({
          reason: site.reason,
          function: site.function,
          packet,
          network,
          length,
          arrivedOn,
          namespace: inode,
        });
      });
      return seen;
    }

    it('show the packet from its MAC header on, its length, interface and namespace', async () => {
      using counter = openKfreeSkb({ samples: { budget: 1 } });
      await flood(1, 1000);
      const [sample, ...more] = read(counter);
      expect(more).toEqual([]);
      expect(sample).toMatchObject({
        reason: 'NO_SOCKET',
        function: '__udp4_lib_rcv',
        network: ETHERNET,
        length: ETHERNET + UDP_OVER_IPV4 + 1000,
        arrivedOn: 1,
      });
      const packet = sample!.packet;
      expect(packet).toHaveLength(128);
      expect(packet.readUInt16BE(12)).toBe(0x0800);
      expect(packet.readUInt16BE(ETHERNET + 2)).toBe(UDP_OVER_IPV4 + 1000);
      expect(packet.subarray(ETHERNET + 16, ETHERNET + 20)).toEqual(Buffer.of(127, 0, 0, 1));
      expect(packet.readUInt16BE(ETHERNET + 22)).toBe(9);
      expect(readlinkSync('/proc/self/ns/net')).not.toContain(String(inode));
    });

    it('are as many as a kind may give a CPU and turn, however many are dropped', async () => {
      using counter = openKfreeSkb({ samples: { budget: 3 } });
      const place = { namespace: namespace.name, host: '127.0.0.1', port: 9, payloadBytes: 0, cpu: 0 };
      for (let turn = 0; turn < 2; turn++) {
        await udpFlood({ ...place, count: 500 }).done;
        await udpFlood({ ...place, host: '::1', count: 2 }).done;
        const functions = read(counter).map((sample) => sample.function);
        expect(functions.toSorted()).toEqual([
          ...Array(3).fill('__udp4_lib_rcv'),
          ...Array(2).fill('__udp6_lib_rcv'),
        ]);
      }
    });

    it('hold less of a packet when told, and all of a short one', async () => {
      using counter = openKfreeSkb({ samples: { budget: 10, snapLength: 48 } });
      await flood(1, 1000);
      await flood(1, 0);
      expect(read(counter).map(({ packet, length }) => [packet.length, length])).toEqual([
        [48, ETHERNET + UDP_OVER_IPV4 + 1000],
        [ETHERNET + UDP_OVER_IPV4, ETHERNET + UDP_OVER_IPV4],
      ]);
    });

    it('that find no room are counted', async () => {
      const ringBytes = 4096;
      using counter = openKfreeSkb({ samples: { budget: 1000, snapLength: 64, ringBytes } });
      await flood(200, 0);
      const { length } = read(counter);
      expect(length).toBeGreaterThan(0);
      expect(length).toBeLessThanOrEqual(ringBytes / 128);
      expect(counter.ledger().samplesLacked).toBeGreaterThanOrEqual(200 - length);
    });

    it('are of kinds in the overflow, too', async () => {
      using counter = openKfreeSkb({ maxEntries: 1, samples: { budget: 100 } });
      await flood(5, 0);
      await flood(5, 0, '::1');
      const functions = read(counter).map((sample) => sample.function);
      expect(functions.filter((name) => name === '__udp4_lib_rcv')).toHaveLength(5);
      expect(functions.filter((name) => name === '__udp6_lib_rcv')).toHaveLength(5);
      expect(counter.ledger().overflowEvents).toBeGreaterThanOrEqual(5);
    });

    it('change nothing about the counts', async () => {
      using counter = openKfreeSkb({ samples: { budget: 1 } });
      await flood(20_000, 0);
      let events = 0;
      counter.read((row) => {
        if (row.function === '__udp4_lib_rcv') events += row.events;
      });
      expect(events).toBe(20_000);
    });
  },
);
