import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { A, B, Wire } from '../../../test/drops/network.ts';
import { dropEverything } from '../../../test/drops/xdp.ts';
import { Ethtool } from '../../kernel/ethtool.ts';
import { addressOf, closeFd, controlDevice, openSocket } from '../../kernel/libc.ts';
import { Recorder } from '../../testing/recorder.ts';
import { DriverReader, followed } from './driver.ts';
import { Growth } from './growth.ts';

const root = process.getuid?.() === 0;

function readTo(reader: DriverReader): Recorder {
  const into = new Recorder();
  reader.read(into);
  return into;
}

describe('followed', () => {
  it('takes the queues of a statistic as one name', () => {
    const names = ['rx_packets', 'rx0_drops', 'rx1_drops', 'rx_dropped', 'tx0_errs'];
    expect(followed('nosuchdriver', names)).toEqual({
      places: [1, 2, 4],
      counters: ['ethtool_rxN_drops', 'ethtool_rxN_drops', 'ethtool_txN_errs'],
      refused: 0,
    });
  });

  it('bounds the names that the catalog does not know, and no others', () => {
    const unknown = Array.from(
      { length: 66 },
      (_, i) => `drop_of_kind_${String.fromCharCode(97 + i / 26, 97 + (i % 26))}`,
    );
    const names = [...unknown, 'rx_out_of_buffer', unknown[0]!, unknown[65]!];
    const { places, counters, refused } = followed('mlx5_core', names);
    expect(places).toEqual([...Array(64).keys(), 66, 67]);
    expect(counters.slice(64)).toEqual(['nic_rx_no_buffer', `ethtool_${unknown[0]}`]);
    expect(refused).toBe(3);
  });
});

describe('interfaces without a driver', () => {
  it('report nothing, and are no failure', () => {
    const reader = new DriverReader(new Growth(), { interfaces: () => ['lo', 'nosuchinterface'] });
    for (let i = 0; i < 2; i++) expect(readTo(reader)).toEqual({ counters: {}, losses: {} });
    reader.close();
  });

  it('are counted where there are more than are read', () => {
    const interfaces = Array.from({ length: 300 }, (_, i) => `none${i}`);
    const reader = new DriverReader(new Growth(), { interfaces: () => interfaces });
    expect(readTo(reader).losses).toEqual({ drivers_full: 44 });
    reader.close();
  });

  it('are none where /sys is not there', () => {
    const reader = new DriverReader(new Growth(), { root: '/nosuchroot' });
    expect(readTo(reader)).toEqual({ counters: {}, losses: {} });
    reader.close();
  });
});

const virtual = readdirSync('/sys/class/net').filter((name) => {
  using ethtool = new Ethtool();
  return ethtool.driver(name)?.name === 'virtio_net';
});

describe.skipIf(virtual.length === 0)('this machine’s virtio_net (needs one)', () => {
  it('is read by default, without a fault', () => {
    const reader = new DriverReader(new Growth());
    readTo(reader);
    const { counters, losses } = readTo(reader);
    expect(losses).toEqual({});
    const names = ['nic_rx_dropped', 'nic_rx_xdp_drop', 'nic_xdp_error', 'nic_tx_timeout'];
    const known = virtual.flatMap((iface) => names.map((name) => `${name}@${iface}`));
    expect(known).toEqual(expect.arrayContaining(Object.keys(counters)));
    reader.close();
  });
});

describe.skipIf(!root)('a veth pair that drops by XDP (needs root)', () => {
  const wires: Wire[] = [];
  afterEach(() => {
    for (const wire of wires.splice(0)) wire[Symbol.dispose]();
  });

  function made(): { wire: Wire; reader: DriverReader } {
    const wire = new Wire('driver');
    wires.push(wire);
    const reader = wire.within(wire.b, () => new DriverReader(new Growth(), { interfaces: () => ['b0'] }));
    wire.within(wire.b, () => dropEverything('b0', 'driver'));
    return { wire, reader };
  }

  /** Sends datagrams of one byte from a to b. */
  function send(wire: Wire, count: number): void {
    wire.in(
      wire.a,
      'bash',
      '-c',
      `for ((i = 0; i < ${count}; i++)); do printf x > /dev/udp/${B.address}/9; done`,
    );
  }

  it('is reported exactly, from the first reading on', () => {
    const { wire, reader } = made();
    send(wire, 3);
    expect(readTo(reader).counters).toEqual({});
    send(wire, 7);
    expect(readTo(reader)).toEqual({ counters: { 'nic_rx_xdp_drop@b0': 7 }, losses: {} });
    expect(readTo(reader).counters).toEqual({});
    reader.close();
  });

  it('adds up its queues, and goes on when it is replaced by one with more of them', () => {
    const { wire, reader } = made();
    readTo(reader);
    replace(wire, 4);
    expect(readTo(reader)).toEqual({ counters: {}, losses: {} });
    send(wire, 40);
    expect(readTo(reader)).toEqual({ counters: { 'nic_rx_xdp_drop@b0': 40 }, losses: {} });
    reader.close();
  });

  it('goes on when the number of its queues changes', () => {
    const { wire, reader } = made();
    replace(wire, 4);
    readTo(reader);
    wire.within(wire.a, () => setQueues('a0', 2));
    wire.within(wire.b, () => setQueues('b0', 2));
    expect(readTo(reader)).toEqual({ counters: {}, losses: {} });
    send(wire, 20);
    expect(readTo(reader)).toEqual({ counters: { 'nic_rx_xdp_drop@b0': 20 }, losses: {} });
    reader.close();
  });

  it('is silent when it is gone, and counts anew when it is back', () => {
    const { wire, reader } = made();
    readTo(reader);
    send(wire, 2);
    wire.in(wire.b, 'ip', 'link', 'delete', 'b0');
    expect(readTo(reader)).toEqual({ counters: {}, losses: {} });
    replace(wire, 1);
    send(wire, 3);
    expect(readTo(reader).counters).toEqual({});
    send(wire, 4);
    expect(readTo(reader)).toEqual({ counters: { 'nic_rx_xdp_drop@b0': 4 }, losses: {} });
    reader.close();
  });
});

/** Puts another pair in the place of the wire's, whose end in b drops everything as well. */
function replace(wire: Wire, queues: number): void {
  const size = `numrxqueues ${queues} numtxqueues ${queues}`;
  const script = [
    'link show dev b0 > /dev/null 2>&1 && ip link delete b0',
    `ip link add b0 address ${B.mac} ${size} type veth peer a0 netns ${wire.a} address ${A.mac} ${size}`,
    'ip link set b0 up',
  ];
  wire.in(wire.b, 'bash', '-c', `ip ${script.join('; ')}`);
  const ends = [
    'link set a0 up',
    `address add ${A.address}/24 dev a0`,
    `neighbour replace ${B.address} lladdr ${B.mac} dev a0 nud permanent`,
  ];
  wire.in(wire.a, 'bash', '-c', ends.map((command) => `ip ${command}`).join(' && '));
  wire.within(wire.b, () => dropEverything('b0', 'driver'));
}

/** ETHTOOL_SCHANNELS with `struct ethtool_channels` of include/uapi/linux/ethtool.h, in this thread's namespace. */
function setQueues(iface: string, queues: number): void {
  const channels = new ArrayBuffer(36);
  new Uint32Array(channels).set([0x3d, 0, 0, 0, 0, queues, queues]);
  const request = new ArrayBuffer(40);
  Buffer.from(request).write(iface);
  new DataView(request).setBigUint64(16, addressOf(channels), true);
  const fd = openSocket(2, 2, 0);
  expect(controlDevice(fd, 0x8946, request)).toBe(0);
  closeFd(fd);
}
