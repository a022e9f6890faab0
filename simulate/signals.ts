/**
 * Kinds of trouble that hosts can have, by the names that kernels give them, and how much of it is usual. Must not know
 * hosts. The rates of trouble are clear of those that the catalog calls alarming: a test holds them against it.
 */

interface Common {
  /** Events a second of a host in trouble, the least and the most. */
  readonly trouble: readonly [number, number];
}

export interface DropKind extends Common {
  readonly kind: 'drop';
  readonly reason: string;
  readonly function: string;
  readonly module: string;
  /** Of a packet. */
  readonly bytes: number;
}

/** A counter of losses that no drop event shows. */
export interface CounterKind extends Common {
  readonly kind: 'counter';
  readonly name: string;
  readonly interface: string;
}

export type Signal = DropKind | CounterKind;

/** What truth.json calls a signal. */
export function signalName(signal: Signal): string {
  return signal.kind === 'drop' ? `drop/${signal.reason}/${signal.function}` : `counter/${signal.name}`;
}

function drop(
  reason: string,
  fn: string,
  trouble: readonly [number, number],
  bytes = 120,
  module = '',
): DropKind {
  return { kind: 'drop', reason, function: fn, trouble, bytes, module };
}

function counter(name: string, trouble: readonly [number, number], iface = ''): CounterKind {
  return { kind: 'counter', name, trouble, interface: iface };
}

export const NEIGH_FAILED = drop('NEIGH_FAILED', 'neigh_timer_handler', [80, 1500], 800);
export const NEIGH_INVALIDATED = drop('NEIGH_FAILED', 'neigh_invalidate', [80, 600], 800);
export const NEIGH_QUEUEFULL = drop('NEIGH_QUEUEFULL', '__neigh_event_send', [200, 3000], 800);
export const NETFILTER_DROP = drop('NETFILTER_DROP', 'nf_hook_slow', [1500, 20_000], 90);
export const LISTEN_OVERFLOW = drop('TCP_LISTEN_OVERFLOW', 'tcp_v4_syn_recv_sock', [40, 2000], 60);
export const BAD_CHECKSUM = drop('TCP_CSUM', 'tcp_v4_rcv', [40, 1200], 1460);
const NO_ROUTE = drop('IP_OUTNOROUTES', 'ip_queue_xmit', [60, 900], 700);
const RING_FULL = drop('FULL_RING', 'tun_net_xmit', [60, 2000], 900, 'tun');
const NO_BUDGET = drop('CPU_BACKLOG', 'enqueue_to_backlog', [40, 4000], 600);
const QDISC_DROP = drop('QDISC_DROP', '__dev_queue_xmit', [600, 6000], 1200);
const BACKLOG = drop('SOCKET_BACKLOG', 'tcp_v4_rcv', [60, 900], 1400);
const RECEIVE_BUFFER = drop('SOCKET_RCVBUFF', 'udp_queue_rcv_one_skb', [40, 1500], 300);
const NO_UDP_SOCKET = drop('NO_SOCKET', '__udp4_lib_rcv', [300, 4000], 90);
const NO_TCP_SOCKET = drop('NO_SOCKET', 'tcp_v4_rcv', [1000, 8000], 60);
const REVERSE_PATH = drop('IP_RPFILTER', 'ip_rcv_finish_core', [60, 900], 120);
const FRAGMENTS = drop('FRAG_REASM_TIMEOUT', 'ip_expire', [60, 500], 1400);

/** A SYN flood fills this queue before any handshake is done. */
export const SYN_QUEUE_FULL = counter('TcpExtTCPReqQFullDrop', [100, 9000]);
/** A NIC that has no room for what comes. */
export const RX_MISSED = counter('rx_missed_errors', [80, 3000], 'eth0');

/** What may befall any host for a moment, and means nothing. */
export const NOISE: readonly Signal[] = [
  ...[NEIGH_FAILED, NEIGH_QUEUEFULL, NETFILTER_DROP, LISTEN_OVERFLOW, BAD_CHECKSUM, NO_ROUTE],
  ...[RING_FULL, NO_BUDGET, QDISC_DROP, BACKLOG, RECEIVE_BUFFER, NO_UDP_SOCKET, NO_TCP_SOCKET],
  ...[REVERSE_PATH, FRAGMENTS, SYN_QUEUE_FULL, RX_MISSED],
];

/** What services drop day in, day out. */
export const CHRONIC: readonly DropKind[] = [RECEIVE_BUFFER, NO_UDP_SOCKET, QDISC_DROP, RING_FULL];

/** What every host drops: the median of its rate, events a second, and how far hosts are apart (see Random.logNormal). */
export const EVERYDAY: readonly {
  readonly signal: DropKind;
  readonly median: number;
  readonly sigma: number;
}[] = [
  { signal: NO_UDP_SOCKET, median: 0.6, sigma: 1 },
  { signal: NETFILTER_DROP, median: 4, sigma: 1.2 },
  { signal: NO_TCP_SOCKET, median: 1, sigma: 1 },
  { signal: drop('OTHERHOST', 'ip_rcv_core', [0, 0], 90), median: 12, sigma: 1.5 },
  { signal: drop('TCP_OLD_SEQUENCE', 'tcp_validate_incoming', [0, 0], 90), median: 2, sigma: 1 },
  { signal: drop('UNHANDLED_PROTO', '__netif_receive_skb_core', [0, 0], 60), median: 0.4, sigma: 0.5 },
  { signal: drop('TCP_INVALID_SEQUENCE', 'tcp_validate_incoming', [0, 0], 90), median: 0.5, sigma: 1 },
  { signal: QDISC_DROP, median: 0.8, sigma: 1.2 },
];
