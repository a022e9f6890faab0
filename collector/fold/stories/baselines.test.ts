/** Stories of what is usual on a host, and therefore no trouble. */
import { describe, test } from 'vitest';
import { story } from '../testing/timeline.ts';

describe('what is usual', () => {
  test('growth of traffic alone, and of the drops that go with it, is no trouble', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      all usually drop TCP_OVERWINDOW/tcp_validate at 40/s
      02:00  rack=r2 carries 10 times the traffic
      05:00  end
    `).reads('');
  });

  test('a host that has always dropped much is as it was when it is first heard of', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      rack=r2 usually drops NO_SOCKET/udp_rcv at 2000/s
      05:00  end
    `).reads('');
  });

  test('a chronic dropper is in trouble once it drops many times what it usually does', () => {
    story(`
      fleet  3 hosts
      all usually drop NO_SOCKET/udp_rcv at 200/s
      02:00  h2 drops NO_SOCKET/udp_rcv at 500/s
      03:00  h2 recovers
      04:00  h2 drops NO_SOCKET/udp_rcv at 5000/s
      04:30  end
    `).reads(`
      04:04  A fires, page: h2 drops NO_SOCKET in udp_rcv
    `);
  });

  test('chronic droppers do not blur what a rack has in common that drops the same', () => {
    story(`
      fleet  200 hosts: rack r1..r10 of 20, pool web|db|cache|api in turn
      pool=db usually drops NO_SOCKET/udp_rcv at 2000/s
      02:00  rack=r2 & pool=web, rack=r2 & pool=cache, rack=r2 & pool=api drop NO_SOCKET/udp_rcv at 500/s
      02:10  A's explanation?
      02:10  end
    `).reads(`
      02:04  A fires, page: 15 of 20 hosts in rack r2 drop NO_SOCKET in udp_rcv
      02:10  A is explained by rack=r2, 15 of 20, none of 180
    `);
  });

  test('trouble of a kind that was never seen lasts as long as it does, however much traffic there is', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      all carry 50 times the traffic
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      06:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('what the catalog calls everyday noise pages at no rate', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  all drop QUEUE_PURGE/skb_queue_purge at 9000/s
      03:00  end
    `).reads('');
  });

  test('the first report of a host that joins in the middle of its trouble says what is usual there', () => {
    story(`
      fleet  10 hosts: rack r1..r2 of 5
      h10 falls silent
      h10 usually drops NO_SOCKET/udp_rcv at 900/s
      02:00  h10 speaks again
      05:00  end
    `).reads('');
  });

  test('of a host that is new nobody knows what is usual: alone it pages nobody for some minutes', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      h07 falls silent
      01:00  h07 speaks again
      02:00  h07 drops NO_SOCKET/udp_rcv at 500/s
      06:00  end
    `).reads(`
      03:48  A fires, page: h07 drops NO_SOCKET in udp_rcv
    `);
  });

  test('what a host had before has to last twice as long before it pages alone', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h07 drops NO_SOCKET/udp_rcv at 500/s
      01:50  h07 recovers
      04:00  h07 drops NO_SOCKET/udp_rcv at 500/s
      06:00  end
    `).reads(`
      01:22  A fires, page: h07 drops NO_SOCKET in udp_rcv
      02:20  A is resolving
      03:21  A is resolved, page
      05:41  B fires, a regression of A, page: h07 drops NO_SOCKET in udp_rcv
    `);
  });

  test('that more hosts of one service have such a habit explains nothing, until it lasts on one of them', () => {
    story(`
      fleet  900 hosts: rack r1..r45 of 20, pool web|db|cache in turn
      01:00  h002, h101, h200, h302, h401, h500 drop NO_SOCKET/udp_rcv at 500/s
      01:40  pool=db recovers
      04:00  h002, h101, h200, h302, h401, h500, h602 drop NO_SOCKET/udp_rcv at 500/s
      06:00  A's explanation?
      06:00  end
    `).reads(`
      05:09  A fires, page: 7 of 300 hosts in pool db drop NO_SOCKET in udp_rcv
      06:00  A is explained by pool=db, 7 of 300, none of 600
    `);
  });

  test('that so many of its hosts have it at once that it would be news of hosts anywhere explains it at once', () => {
    story(`
      fleet  900 hosts: rack r1..r45 of 20, pool web|db|cache in turn
      01:00  h002, h032, h101, h131, h200, h230, h302, h332, h401, h431, h500, h602, h701, h800 drop NO_SOCKET/udp_rcv at 500/s
      01:30  end
    `).reads(`
      01:04  A fires, page: 14 of 300 hosts in pool db drop NO_SOCKET in udp_rcv
    `);
  });

  test('losses that only a counter shows are trouble as drops are', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r3 loses packets by rx_missed_errors at 700/s
      02:00  rack=r3 recovers
      04:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r3 lose packets (rx_missed_errors)
      02:30  A is resolving
      03:31  A is resolved, page
    `);
  });
});
