/**
 * Ways of losing packets, made on purpose, each with the counter that shows the loss whatever else does. They run on a
 * developer's machine and in VMs; they do not know who watches.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { bindSocket, closeFd, KernelError } from '../../agent/kernel/libc.ts';
import { openSocket, sendPaced, setOption } from '../load/datagrams.ts';
import { linkAddress } from '../load/ether-flood.ts';
import { socketAddress } from '../load/udp-flood.ts';
import { frameOf, synOf } from './frame.ts';
import { A, B, type Wire } from './network.ts';
import { dropEverything } from './xdp.ts';

export interface Loss {
  /** Packets that were sent to be lost, and those that were by the counter. */
  readonly sent: number;
  readonly lost: number;
}

export interface Scenario {
  readonly name: string;
  /** The counter, as the tool that shows it calls it. */
  readonly counter: string;
  /** Functions that drop packets, too, which is not what this is about. */
  readonly beside?: readonly string[];
  /** Loses about `count` packets. */
  readonly run: (wire: Wire, count: number) => Loss | Promise<Loss>;
}

const AF_INET = 2;
const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const PORT = 9;
/** Datagrams a second. */
const RATE = 20_000;
const toB = {
  sourceMac: A.mac,
  destinationMac: B.mac,
  source: A.address,
  destination: B.address,
  port: PORT,
};
/** Until who watches has read a new queueing discipline for the first time, as where its growth is counted from. */
const NOTICED_MS = 2500;
/** On the wire, and not there. */
const NOBODY = { mac: '02:00:00:00:00:0c', address: '10.9.0.77' } as const;
/** Behind b, and not there. */
const BEYOND = '10.9.1.9';

/** Puts a frame on the wire, over and over. */
function send(wire: Wire, frame: string, count: number): void {
  const bytes = new Uint8Array(Buffer.from(frame, 'hex')).buffer;
  const [socket, link] = wire.within(wire.a, () => [openSocket(AF_PACKET, SOCK_RAW, 0), linkAddress('a0')]);
  sendPaced(socket, link, [bytes], count, RATE);
}

/** How far a counter of /proc/net/{snmp,netstat} grows in a namespace. */
function growth(wire: Wire, namespace: string, name: string, during: () => void): number {
  const before = mib(wire, namespace, name);
  during();
  return mib(wire, namespace, name) - before;
}

function mib(wire: Wire, namespace: string, name: string): number {
  const text = wire.within(namespace, () =>
    ['snmp', 'netstat'].map((file) => readFileSync(`/proc/net/${file}`, 'latin1')).join(''),
  );
  const lines = text.split('\n').map((line) => line.split(' '));
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [group = '', ...names] = lines[i]!;
    const at = names.findIndex((field) => group.slice(0, -1) + field === name);
    if (at >= 0) return Number(lines[i + 1]![at + 1]);
  }
  throw new Error(`there is no counter ${name}`);
}

function forwarding(wire: Wire): void {
  wire.set(wire.b, 'ipv4/ip_forward', 1);
}

/** A link from b on which packets for BEYOND would go out. */
function linkBeyond(wire: Wire, mtu: number): void {
  const link = `link add b1 mtu ${mtu} type veth peer b2 mtu ${mtu}`;
  const script = `${link}
address add 10.9.1.1/24 dev b1
link set b2 up
link set b1 up`;
  wire.in(wire.b, 'sh', '-c', `echo '${script}' | ip -batch -`);
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'no socket',
    counter: 'UdpNoPorts',
    run: async (wire, count) => ({
      sent: count,
      lost: growth(wire, wire.b, 'UdpNoPorts', () => send(wire, frameOf(toB), count)),
    }),
  },
  {
    name: 'full receive buffer',
    counter: 'UdpRcvbufErrors',
    run: async (wire, count) => {
      using _deaf = deafSocket(wire);
      const frame = frameOf({ ...toB, port: 7000 });
      return {
        sent: count,
        lost: growth(wire, wire.b, 'UdpRcvbufErrors', () => send(wire, frame, count)),
      };
    },
  },
  {
    name: 'netfilter',
    counter: 'nft counter',
    run: async (wire, count) => {
      const rules = `table ip t { chain c { type filter hook input priority 0; udp dport ${PORT} counter drop; }; }`;
      wire.in(wire.b, 'nft', rules);
      send(wire, frameOf(toB), count);
      const [, packets] = /counter packets (\d+)/.exec(wire.in(wire.b, 'nft', 'list', 'ruleset')) ?? [];
      return { sent: count, lost: Number(packets) };
    },
  },
  {
    name: 'no route',
    counter: 'IpExtInNoRoutes',
    run: async (wire, count) => {
      forwarding(wire);
      const frame = frameOf({ ...toB, destination: '192.0.2.1' });
      return {
        sent: count,
        lost: growth(wire, wire.b, 'IpExtInNoRoutes', () => send(wire, frame, count)),
      };
    },
  },
  {
    name: 'no route, local',
    counter: 'IpOutNoRoutes',
    run: async (wire, count) => ({
      sent: count,
      lost: growth(wire, wire.a, 'IpOutNoRoutes', async () => datagrams(wire, wire.a, '192.0.2.1', count)),
    }),
  },
  {
    name: 'SYNs to a full queue',
    counter: 'TcpExtTCPReqQFullDrop',
    run: async (wire, count) => {
      // Room for one request, which stays, since nobody answers.
      wire.set(wire.b, 'core/somaxconn', 0);
      wire.set(wire.b, 'ipv4/tcp_syncookies', 0);
      const neighbour = `neighbour replace ${NOBODY.address} lladdr ${NOBODY.mac} dev b0 nud permanent`;
      wire.in(wire.b, 'ip', ...neighbour.split(' '));
      const server = wire.within(wire.b, () => createServer().listen(7000));
      const syn = { ...toB, source: NOBODY.address, port: 7000 };
      send(wire, synOf({ ...syn, sourcePort: 5000 }), 1);
      const lost = growth(wire, wire.b, 'TcpExtTCPReqQFullDrop', () =>
        send(wire, synOf({ ...syn, sourcePort: 5001 }), count),
      );
      server.close();
      return { sent: count, lost };
    },
  },
  {
    name: 'bad checksum',
    counter: 'UdpInCsumErrors',
    run: async (wire, count) => {
      using _deaf = deafSocket(wire);
      const frame = frameOf({ ...toB, port: 7000, badChecksum: true });
      return {
        sent: count,
        lost: growth(wire, wire.b, 'UdpInCsumErrors', () => send(wire, frame, count)),
      };
    },
  },
  {
    name: 'TTL',
    counter: 'IpInHdrErrors',
    run: async (wire, count) => {
      forwarding(wire);
      linkBeyond(wire, 1500);
      const frame = frameOf({ ...toB, destination: BEYOND, ttl: 1 });
      return {
        sent: count,
        lost: growth(wire, wire.b, 'IpInHdrErrors', () => send(wire, frame, count)),
      };
    },
  },
  {
    name: 'MTU',
    counter: 'IpFragFails',
    run: async (wire, count) => {
      forwarding(wire);
      linkBeyond(wire, 600);
      const frame = frameOf({ ...toB, destination: BEYOND, bytes: 1000, mayFragment: false });
      return {
        sent: count,
        lost: growth(wire, wire.b, 'IpFragFails', () => send(wire, frame, count)),
      };
    },
  },
  {
    name: 'full qdisc',
    counter: 'qdisc dropped',
    run: async (wire, count) => {
      // Lets a packet through every few seconds, and keeps none.
      wire.in(wire.a, 'tc', ...'qdisc add dev a0 root tbf rate 1kbit burst 1600 limit 1'.split(' '));
      await sleep(NOTICED_MS);
      datagrams(wire, wire.a, B.address, count);
      const [, dropped] =
        /dropped (\d+)/.exec(wire.in(wire.a, 'tc', '-s', 'qdisc', 'show', 'dev', 'a0')) ?? [];
      return { sent: count, lost: Number(dropped) };
    },
  },
  {
    name: 'tc',
    counter: 'tc action dropped',
    run: async (wire, count) => {
      wire.in(wire.b, 'tc', ...'qdisc add dev b0 clsact'.split(' '));
      wire.in(wire.b, 'tc', ...'filter add dev b0 ingress matchall action drop'.split(' '));
      await sleep(NOTICED_MS);
      send(wire, frameOf(toB), count);
      const shown = wire.in(wire.b, 'tc', '-s', 'filter', 'show', 'dev', 'b0', 'ingress');
      const [, dropped] = /dropped (\d+)/.exec(shown) ?? [];
      return { sent: count, lost: Number(dropped) };
    },
  },
  {
    name: 'generic XDP',
    counter: 'packets that b did not receive',
    run: async (wire, count) => {
      wire.within(wire.b, () => dropEverything('b0'));
      const before = received(wire);
      send(wire, frameOf(toB), count);
      return { sent: count, lost: count - (received(wire) - before) };
    },
  },
  {
    name: 'neighbour failure',
    // The queue's overflow alone is counted (unresolved_discards), not what waits in it when the neighbour has failed.
    counter: 'datagrams to an address that nobody has',
    run: async (wire, count) => {
      // Three requests a second apart, and then it has failed: what waits is dropped, what found no place was before.
      datagrams(wire, wire.a, '10.9.0.99', count);
      await sleep(4000);
      return { sent: count, lost: count };
    },
  },
  {
    name: 'full backlog',
    counter: 'softnet_stat dropped',
    beside: ['__udp4_lib_rcv'],
    run: async (wire, count) => {
      const backlog = '/proc/sys/net/core/netdev_max_backlog';
      const usual = readFileSync(backlog, 'utf8');
      // Steered to another CPU, packets wait there in a queue that now takes one.
      wire.in(
        wire.b,
        'ip',
        'netns',
        'exec',
        wire.b,
        'sh',
        '-c',
        'echo 2 > /sys/class/net/b0/queues/rx-0/rps_cpus',
      );
      const before = softnetDropped();
      try {
        writeFileSync(backlog, '1');
        send(wire, frameOf(toB), count);
      } finally {
        writeFileSync(backlog, usual);
      }
      return { sent: count, lost: softnetDropped() - before };
    },
  },
];

/** Sends by sockets, as programs do; what the kernel refuses is lost, too. */
function datagrams(wire: Wire, from: string, to: string, count: number): void {
  wire.within(from, () => {
    for (let i = 0; i < count; i++) {
      try {
        sendPaced(openSocket(AF_INET, SOCK_DGRAM, 0), socketAddress(to, PORT), [new ArrayBuffer(32)], 1, 0);
      } catch (error) {
        if (!(error instanceof KernelError) || error.code !== 'ENETUNREACH') throw error;
      }
    }
  });
}

/** A socket in b, on port 7000, that has the least room and reads nothing. */
function deafSocket(wire: Wire): Disposable {
  const fd = wire.within(wire.b, () => openSocket(AF_INET, SOCK_DGRAM, 0));
  setOption(fd, SOL_SOCKET, SO_RCVBUF, 1);
  bindSocket(fd, socketAddress('0.0.0.0', 7000));
  return { [Symbol.dispose]: () => closeFd(fd) };
}

function received(wire: Wire): number {
  return mib(wire, wire.b, 'IpInReceives');
}

function softnetDropped(): number {
  const lines = readFileSync('/proc/net/softnet_stat', 'latin1').trim().split('\n');
  return lines.reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1]!, 16), 0);
}
