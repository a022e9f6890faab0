import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Namespace } from '../../../../test/load/namespace.ts';
import { parsePrefix } from '../../../capture/prefix.ts';
import type { Btf } from '../../../kernel/btf.ts';
import { ownCapabilities } from '../../../kernel/capabilities.ts';
import { openKfreeSkb, probeKfreeSkb } from '../index.ts';
import { readBtf } from '../load.ts';
import type { PacketFilter } from './filter.ts';

const works =
  process.platform === 'linux' &&
  ownCapabilities().has('CAP_SYS_ADMIN') &&
  spawnSync('ip', ['netns', 'list']).status === 0 &&
  probeKfreeSkb().state === 'ok';

const LO = 1;

const SEND = `
  for (const [type, host] of [['udp4', '127.0.0.1'], ['udp6', '::1']]) {
    for (const port of [7, 9, 6000, 4789]) {
      const socket = require('node:dgram').createSocket(type);
      socket.send('x', port, host, () => socket.close());
    }
  }`;

function reason(name: string): number {
  const btf: Btf = readBtf('');
  const found = btf.enumerators('skb_drop_reason')?.find((known) => known.name === `SKB_DROP_REASON_${name}`);
  return found!.value;
}

function prefixes(...texts: string[]) {
  return texts.map((text) => parsePrefix(text)!);
}

describe.skipIf(!works)(
  'the filter of samples (needs root, iproute2 and a kernel with BTF and drop reasons)',
  { retry: 3 },
  () => {
    let namespace: Namespace;
    beforeAll(() => {
      namespace = new Namespace('netfall-filter');
    });
    afterAll(() => namespace[Symbol.dispose]());

    /** What becomes a sample, as `address port`, of datagrams to some ports of two addresses. */
    async function sampled(filter: PacketFilter): Promise<string[]> {
      using counter = openKfreeSkb({ samples: { budget: 100, filter } });
      expect(spawnSync('ip', ['netns', 'exec', namespace.name, process.execPath, '-e', SEND]).status).toBe(0);
      const seen: string[] = [];
      counter.read(() => {});
      counter.readSamples((site, { bytes, start, network }) => {
        if (site.reason !== 'NO_SOCKET' || !site.function.startsWith('__udp')) return;
        const version = bytes[start + network]! >> 4;
        const ports = start + network + (version === 4 ? 20 : 40);
        seen.push(`v${version} ${bytes[ports + 2]! * 256 + bytes[ports + 3]!}`);
      });
      return seen;
    }

    const ALL = ['v4 7', 'v4 9', 'v4 6000', 'v6 7', 'v6 9', 'v6 6000'];
    // What may be a tunnel is left to user space.
    const TUNNELS = ['v4 4789', 'v6 4789'];
    const V4 = ALL.slice(0, 3);
    const V6 = ALL.slice(3);

    it.each<[string, PacketFilter, string[]]>([
      ['nothing', {}, ALL],
      ['its reason', { reasons: [reason('NO_SOCKET')] }, ALL],
      ['one of two reasons', { reasons: [reason('TCP_CSUM'), reason('NO_SOCKET')] }, ALL],
      ['another reason', { reasons: [reason('TCP_CSUM')] }, []],
      ['a subsystem’s reason, beyond 31 bits', { reasons: [0xffff_0001] }, []],
      ['its interface', { interfaces: [LO] }, ALL],
      ['another interface', { interfaces: [77, 78] }, []],
      ['a port', { ports: [{ first: 9, last: 9 }] }, ['v4 9', 'v6 9']],
      ['a range of ports', { ports: [{ first: 0, last: 9 }] }, ['v4 7', 'v4 9', 'v6 7', 'v6 9']],
      [
        'ports',
        {
          ports: [
            { first: 1, last: 7 },
            { first: 5999, last: 6001 },
          ],
        },
        ['v4 7', 'v4 6000', 'v6 7', 'v6 6000'],
      ],
      [
        'another port',
        {
          ports: [
            { first: 8, last: 8 },
            { first: 10, last: 11 },
          ],
        },
        [],
      ],
      ['an IPv4 prefix', { prefixes: prefixes('127.0.0.0/9'), protocols: [17] }, V4],
      ['an address', { prefixes: prefixes('127.0.0.1'), ports: [{ first: 9, last: 9 }] }, ['v4 9']],
      ['an IPv6 address', { prefixes: prefixes('::1'), ports: [{ first: 9, last: 9 }] }, ['v6 9']],
      [
        'an IPv6 prefix and another’s',
        { prefixes: prefixes('2001:db8::/33', '::/127'), ports: [{ first: 1, last: 65_535 }] },
        V6,
      ],
      [
        'everything',
        { prefixes: prefixes('0.0.0.0/0', '::/0'), protocols: [17, 6], ports: [{ first: 0, last: 65_535 }] },
        ALL,
      ],
    ])('lets through by %s', async (_name, filter, expected) => {
      const tunnels = expected.length === 0 && !filter.ports && !filter.prefixes ? [] : TUNNELS;
      expect((await sampled(filter)).toSorted()).toEqual([...expected, ...tunnels].toSorted());
    });

    it('loads with as much as may be asked for', () => {
      const filter: PacketFilter = {
        reasons: Array.from({ length: 64 }, (_, i) => i),
        interfaces: Array.from({ length: 64 }, (_, i) => i + 1),
        protocols: Array.from({ length: 64 }, (_, i) => i),
        prefixes: prefixes(
          ...Array.from({ length: 32 }, (_, i) => `10.${i}.0.0/17`),
          ...Array.from({ length: 32 }, (_, i) => `2001:db8:${i}::/111`),
        ),
        ports: Array.from({ length: 64 }, (_, i) => ({ first: i * 10, last: i * 10 + 5 })),
      };
      using counter = openKfreeSkb({ samples: { budget: 1, filter } });
      expect(counter.ledger().samplesLacked).toBe(0);
    });
  },
);
