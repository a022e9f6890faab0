/**
 * What drop reasons mean: a first catalog. `everyday` reasons come with healthy traffic; the fold follows them and never
 * makes trouble of them. A row may name the function it holds for; the row without one holds for the rest.
 */
export interface DropMeaning {
  /** The kernel's name without SKB_DROP_REASON_. */
  readonly reason: string;
  readonly function?: string;
  readonly everyday: boolean;
  readonly severity: 'info' | 'warning' | 'critical';
  /** One sentence. */
  readonly meaning: string;
}

const everyday = (reason: string, meaning: string, fn?: string): DropMeaning => ({
  reason,
  ...(fn === undefined ? {} : { function: fn }),
  everyday: true,
  severity: 'info',
  meaning,
});
const trouble = (reason: string, severity: 'warning' | 'critical', meaning: string): DropMeaning => ({
  reason,
  everyday: false,
  severity,
  meaning,
});

export const dropMeanings: readonly DropMeaning[] = [
  everyday(
    'QUEUE_PURGE',
    'A socket or device was closed with packets still queued; every closed connection may do so.',
  ),
  everyday('SOCKET_CLOSE', 'The socket was closed before the packet could be delivered.'),
  everyday('SKB_CONSUMED', 'The packet was used up, not lost.'),
  everyday('TCP_OLD_DATA', 'TCP had received this data already: the sender retransmitted needlessly.'),
  everyday('TCP_OLD_ACK', 'A TCP acknowledgement older than what was already acknowledged.'),
  everyday('TCP_OLD_SEQUENCE', 'A TCP segment below the receive window, usually a duplicate.'),
  everyday('TCP_OFOMERGE', 'An out-of-order TCP segment was wholly covered by data that had arrived.'),
  everyday('TCP_ACK_UNSENT_DATA', 'A TCP segment acknowledged what had not been sent.'),
  everyday('OTHERHOST', 'A frame for another host reached an interface in promiscuous mode.'),
  everyday(
    'UNHANDLED_PROTO',
    'No handler for the frame’s protocol: LLDP, STP and the like without a listener.',
  ),
  everyday('TAP_FILTER', 'A tap device’s filter left the frame out.'),
  everyday('PKT_TOO_SMALL', 'A frame too short to hold its headers.'),
  everyday('NOT_SPECIFIED', 'Parts of a socket buffer were released with it.', 'skb_release_data'),
  everyday(
    'NOT_SPECIFIED',
    'Queued parts of a socket’s traffic were released as it closed.',
    'sk_stream_kill_queues',
  ),
  trouble('NO_SOCKET', 'warning', 'Nothing listens on the port that the packet was for.'),
  trouble(
    'SOCKET_RCVBUFF',
    'critical',
    'The receiving socket’s buffer was full: the application reads too slowly.',
  ),
  trouble('SOCKET_FILTER', 'warning', 'A filter on the socket refused the packet.'),
  trouble(
    'SOCKET_BACKLOG',
    'critical',
    'The socket’s backlog was full while the application held the socket.',
  ),
  trouble('UDP_CSUM', 'warning', 'The UDP checksum was wrong.'),
  trouble('TCP_CSUM', 'warning', 'The TCP checksum was wrong.'),
  trouble('IP_CSUM', 'warning', 'The IP header checksum was wrong.'),
  trouble('ICMP_CSUM', 'warning', 'The ICMP checksum was wrong.'),
  trouble('IP_INHDR', 'warning', 'The IP header was malformed.'),
  trouble(
    'IP_RPFILTER',
    'warning',
    'Reverse-path filtering: the reply would leave through another interface.',
  ),
  trouble('IP_OUTNOROUTES', 'critical', 'There was no route to send the packet by.'),
  trouble('IP_INNOROUTES', 'critical', 'There was no route for a packet that was to be forwarded.'),
  trouble('UNICAST_IN_L2_MULTICAST', 'warning', 'A unicast packet came in a link-layer multicast frame.'),
  trouble('NETFILTER_DROP', 'warning', 'A firewall rule dropped the packet.'),
  trouble('NEIGH_FAILED', 'critical', 'The next hop’s link-layer address could not be resolved.'),
  trouble('NEIGH_QUEUEFULL', 'critical', 'Too many packets waited for the next hop’s link-layer address.'),
  trouble('NEIGH_DEAD', 'warning', 'The neighbour entry was being removed.'),
  trouble(
    'QDISC_DROP',
    'warning',
    'A queueing discipline dropped the packet, usually because its queue was full.',
  ),
  trouble('CPU_BACKLOG', 'critical', 'The processor’s input queue was full: netdev_max_backlog.'),
  trouble('FULL_RING', 'critical', 'A ring buffer between kernel and consumer was full.'),
  trouble('NOMEM', 'critical', 'The kernel had no memory for the packet.'),
  trouble('XDP', 'warning', 'An XDP program dropped the packet.'),
  trouble('TC_INGRESS', 'warning', 'A traffic-control filter dropped the packet on ingress.'),
  trouble('TC_EGRESS', 'warning', 'A traffic-control filter dropped the packet on egress.'),
  trouble('TCP_LISTEN_OVERFLOW', 'critical', 'A listening socket’s accept queue was full.'),
  trouble('TCP_RESET', 'warning', 'A TCP reset was received and taken.'),
  trouble('TCP_INVALID_SEQUENCE', 'warning', 'A TCP segment outside the receive window.'),
  trouble('TCP_OVERWINDOW', 'warning', 'TCP data beyond the receive window.'),
  trouble('TCP_ZEROWINDOW', 'warning', 'TCP data into a closed window: the application does not read.'),
  trouble('PROTO_MEM', 'critical', 'The protocol’s memory limit was reached: net.ipv4.tcp_mem or udp_mem.'),
  trouble('DEV_READY', 'warning', 'The device was not up.'),
  trouble('IP_TTL', 'warning', 'The packet’s time to live ran out: perhaps a routing loop.'),
  trouble('PKT_TOO_BIG', 'warning', 'The packet was larger than the path allows.'),
];
