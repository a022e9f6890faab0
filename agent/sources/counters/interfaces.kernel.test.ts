/** Interfaces' statistics by rtnetlink, on the running kernel: exact against those in /sys. */
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { etherFlood } from '../../../test/load/ether-flood.ts';
import { Namespace } from '../../../test/load/namespace.ts';
import { udpFlood } from '../../../test/load/udp-flood.ts';
import { NetlinkRequester } from '../../kernel/netlink/transaction.ts';
import { Recorder } from '../../testing/recorder.ts';
import { Growth } from './growth.ts';
import { InterfaceReader } from './interfaces.ts';

const root = process.getuid?.() === 0;

describe.skipIf(!root)("interfaces' statistics (needs root and iproute2)", () => {
  let here: Namespace;
  let peer: Namespace;
  let reader: InterfaceReader;

  beforeEach(() => {
    here = new Namespace('netfall-links');
    peer = new Namespace('netfall-peers');
    for (const each of [here, peer]) each.withoutIpv6();
    here.ip(`link add eth0 type veth peer name far netns ${peer.name}`);
    here.ip('link set eth0 up');
    peer.ip('link set far up');
    reader = here.enter(() => new InterfaceReader(new Growth(), (name) => name.startsWith('eth')));
  });

  afterEach(() => {
    reader.close();
    here[Symbol.dispose]();
    peer[Symbol.dispose]();
  });

  const read = () => {
    const into = new Recorder();
    reader.read(into);
    expect(into.losses).toEqual({});
    return into.counters;
  };
  /** Frames of a protocol that nobody takes: received and dropped. */
  const send = async (count: number, payloadBytes = 46) => {
    const place = { namespace: peer.name, interface: 'far' };
    const { sent } = await etherFlood({ ...place, etherTypes: [0x88b5], count, payloadBytes }).done;
    expect(sent).toBe(count);
  };
  /** Every statistic in /sys, by name@interface. */
  const statistics = () => {
    const script =
      'cd /sys/class/net; for i in *; do cd $i/statistics; grep -H . * | sed "s/^/$i:/"; cd ../..; done';
    const text = execFileSync('ip', ['netns', 'exec', here.name, 'sh', '-c', script], { encoding: 'utf8' });
    return new Map(
      text
        .trimEnd()
        .split('\n')
        .map((line) => line.split(':'))
        .map(([iface, name, value]) => [`${name}@${iface}`, Number(value)] as const),
    );
  };

  it('grow as those in /sys do, all of them', async () => {
    here.ip('address add 10.99.0.1/24 dev eth0');
    read();
    const before = statistics();
    await send(100, 200);
    // The loopback's traffic is nobody's.
    await udpFlood({ host: '127.0.0.1', port: 9, count: 4, namespace: here.name }).done;
    const counted = read();
    const grew = [...statistics()].map(([key, value]) => [key, value - (before.get(key) ?? 0)] as const);
    const traffic = /^(rx|tx)_(packets|bytes|compressed)@lo$|^multicast@lo$/;
    const expected = grew.filter(([key, growth]) => growth > 0 && !traffic.test(key));
    expect(counted).toEqual({ ...Object.fromEntries(expected), received_packets: 100 });
    expect(counted).toEqual({
      received_packets: 100,
      'rx_packets@eth0': 100,
      'rx_bytes@eth0': 100 * (14 + 200),
      'rx_dropped@eth0': 100,
    });
  });

  it('of an interface that is renamed go on under its new name', async () => {
    read();
    await send(5);
    here.ip('link set eth0 down');
    here.ip('link set eth0 name eth7');
    here.ip('link set eth7 up');
    expect(read()).toEqual({});
    await send(7);
    expect(read()).toMatchObject({ 'rx_packets@eth7': 7, 'rx_dropped@eth7': 7, received_packets: 7 });
  });

  it('of one that a dump passed over, while others came and went, go on', async () => {
    read();
    await send(5);
    const request = vi.spyOn(NetlinkRequester.prototype, 'request').mockReturnValueOnce(false);
    expect(read()).toEqual({});
    expect(request.mock.calls.map(([what]) => what)).toEqual(['RTM_GETSTATS']);
    request.mockRestore();
    await send(2);
    expect(read()).toMatchObject({ 'rx_dropped@eth0': 7, received_packets: 7 });
  });

  it('of one that moves away and comes back begin anew, and of one that vanishes end', async () => {
    read();
    await send(5);
    expect(read()).toMatchObject({ 'rx_dropped@eth0': 5 });
    here.ip(`link set eth0 netns ${peer.name}`);
    expect(read()).toEqual({});
    peer.ip('link set eth0 up');
    await send(3);
    peer.ip(`link set eth0 netns ${here.name}`);
    here.ip('link set eth0 up');
    // What it counted elsewhere is not this host's growth.
    expect(read()).toEqual({});
    await send(2);
    expect(read()).toMatchObject({ 'rx_dropped@eth0': 2, received_packets: 2 });
    here.ip('link delete eth0');
    expect(read()).toEqual({});
    here.ip(`link add eth0 type veth peer name far netns ${peer.name}`);
    here.ip('link set eth0 up');
    peer.ip('link set far up');
    expect(read()).toEqual({});
    await send(4);
    expect(read()).toMatchObject({ 'rx_dropped@eth0': 4, received_packets: 4 });
  });
});
