import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Namespace } from '../../../test/load/namespace.ts';
import { udpFlood } from '../../../test/load/udp-flood.ts';
import { ownCapabilities } from '../../kernel/capabilities.ts';
import { type KfreeSkbCounter, openKfreeSkb, probeKfreeSkb } from './index.ts';

const works =
  process.platform === 'linux' &&
  ownCapabilities().has('CAP_SYS_ADMIN') &&
  spawnSync('ip', ['netns', 'list']).status === 0 &&
  probeKfreeSkb().state !== 'unavailable';

const CLOSED_PORT = 9;

/** Events by reason and protocol. */
function read(counter: KfreeSkbCounter): Record<string, number> {
  const rows: Record<string, number> = {};
  counter.read(({ reason, protocol, events }) => {
    const kind = `${reason} ${protocol}`;
    rows[kind] = (rows[kind] ?? 0) + events;
  });
  return rows;
}

describe.skipIf(!works)('drops of one network namespace (needs root, iproute2 and a kernel with BTF)', () => {
  let here: Namespace;
  let there: Namespace;
  beforeAll(() => {
    here = new Namespace('netfall-here');
    there = new Namespace('netfall-there');
    for (const one of [here, there]) one.withoutIpv6();
    here.ip(`link add eth0 type veth peer name eth0 netns ${there.name}`);
    here.ip('address add 10.77.6.1/24 dev eth0');
    there.ip('address add 10.77.6.2/24 dev eth0');
    for (const one of [here, there]) one.ip('link set eth0 up');
  });
  afterAll(() => {
    here[Symbol.dispose]();
    there[Symbol.dispose]();
  });

  it('are those of the reader’s own, and no other drop of the machine', async () => {
    using counter = here.enter(() => openKfreeSkb({ ownNamespace: true, samples: { budget: 1000 } }));
    const flood = { host: '127.0.0.1', port: CLOSED_PORT, payloadBytes: 32 };
    await udpFlood({ ...flood, namespace: there.name, count: 300 }).done;
    await udpFlood({ ...flood, namespace: here.name, count: 200 }).done;
    expect(read(counter)).toEqual({ 'NO_SOCKET IPv4': 200 });
    let samples = 0;
    counter.readSamples(() => samples++);
    expect(samples).toBe(200);
  });

  it('are where the packet was dropped, not where it came from', async () => {
    using counter = here.enter(() => openKfreeSkb({ ownNamespace: true }));
    using other = there.enter(() => openKfreeSkb({ ownNamespace: true }));
    await udpFlood({
      namespace: here.name,
      host: '10.77.6.2',
      port: CLOSED_PORT,
      count: 100,
      ratePerSecond: 1000,
    }).done;
    expect(read(other)).toEqual({ 'NO_SOCKET IPv4': 100 });
    expect(read(counter)['NO_SOCKET IPv4']).toBeUndefined();
  });

  it('are what a queueing discipline, a filter and a full socket buffer drop there', async () => {
    using counter = here.enter(() => openKfreeSkb({ ownNamespace: true }));
    const run = (...command: string[]) => {
      const { status, stderr } = spawnSync('ip', ['netns', 'exec', ...command], { encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(status).toBe(0);
    };
    run(here.name, 'tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'pfifo', 'limit', '0');
    await udpFlood({ namespace: here.name, host: '10.77.6.2', port: CLOSED_PORT, count: 100 }).done;
    run(here.name, 'tc', 'qdisc', 'delete', 'dev', 'eth0', 'root');
    expect(read(counter)).toMatchObject({ 'QDISC_DROP IPv4': 100 });

    const rule = 'add table ip t; add chain ip t i { type filter hook input priority 0; }; add rule ip t i';
    run(here.name, 'nft', `${rule} udp dport 7 drop`);
    await udpFlood({ namespace: there.name, host: '10.77.6.1', port: 7, count: 50, ratePerSecond: 1000 })
      .done;
    expect(read(counter)).toEqual({ 'NETFILTER_DROP IPv4': 50 });

    // A socket that nobody reads.
    const filled = `
      const socket = require('node:dgram').createSocket('udp4');
      socket.bind(8, () => {
        socket.setRecvBufferSize(4096);
        require('node:child_process').spawnSync(process.execPath, ['-e', \`
          const socket = require('node:dgram').createSocket('udp4');
          let left = 100;
          for (let i = 0; i < 100; i++)
            socket.send(Buffer.alloc(1000), 8, '127.0.0.1', () => --left || socket.close());
        \`]);
        socket.close();
      });`;
    run(here.name, process.execPath, '-e', filled);
    expect(read(counter)['SOCKET_RCVBUFF IPv4']).toBeGreaterThan(80);
  });
});
