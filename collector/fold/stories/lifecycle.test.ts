/** Stories of an incident's life, from the first suspicion to the archive. */
import { describe, test } from 'vitest';
import { story } from '../testing/timeline.ts';

describe('the life of an incident', () => {
  test('a rack in trouble is one page, and one more when it is over', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, pool web|db in turn
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:30  ann acknowledges A "on it"
      04:00  rack=r2 recovers
      08:00  A's explanation?
      08:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:30  A is acknowledged by ann: on it
      04:30  A is resolving
      05:31  A is resolved, page
      08:00  A is explained by rack=r2, 10 of 10, none of 30
    `);
  });

  test('a single host whose trouble passes is a suspicion that nobody hears of', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h07 drops NO_SOCKET/udp_rcv at 500/s
      01:20  h07 recovers
      05:00  end
    `).reads('');
  });

  test('a single host whose trouble lasts fires, and pages once', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h07 drops NO_SOCKET/udp_rcv at 500/s
      05:00  end
    `).reads(`
      01:22  A fires, page: h07 drops NO_SOCKET in udp_rcv
    `);
  });

  test('what comes back before it is resolved is the same incident, and tells nobody again', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  rack=r2 recovers
      03:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      03:30  rack=r2 recovers
      10:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:30  A is resolving
      03:04  A fires again
      04:00  A is resolving
      06:01  A is resolved, page
    `);
  });

  test('other trouble that begins on a host of one that is not resolved yet is an incident of its own', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, pool web|db in turn
      01:00  pool=db drops NETFILTER_DROP/nft_do_chain at 500/s
      01:40  pool=db recovers
      02:30  h12 drops NETFILTER_DROP/nft_do_chain at 500/s
      02:32  rack=r2 drops NETFILTER_DROP/nft_do_chain at 500/s
      06:00  B's explanation?
      06:00  end
    `).reads(`
      01:04  A fires, page: All 20 hosts in pool db drop NETFILTER_DROP in nft_do_chain
      02:10  A is resolving
      02:34  A fires again
      02:36  B fires, page: All 10 hosts in rack r2 drop NETFILTER_DROP in nft_do_chain
      02:36  A is resolving
      04:36  A is resolved, page
      06:00  B is explained by rack=r2, 10 of 10, none of 30
    `);
  });

  test('what was acknowledged is still acknowledged when it comes back before it is resolved', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:30  ann acknowledges A
      02:00  rack=r2 recovers
      03:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      04:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:30  A is acknowledged by ann
      02:30  A is resolving
      03:04  A goes on, acknowledged
    `);
  });

  test('what comes back after it is resolved is a new incident, a regression that names its past', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  rack=r2 recovers
      05:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      05:30  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:30  A is resolving
      03:31  A is resolved, page
      05:04  B fires, a regression of A, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('trouble that keeps coming back has to be over for twice as long each time', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:20  rack=r2 recovers
      03:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      03:20  rack=r2 recovers
      07:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      07:20  rack=r2 recovers
      13:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:50  A is resolving
      02:51  A is resolved, page
      03:04  B fires, a regression of A, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      03:50  B is resolving
      05:51  B is resolved, page
      07:04  C fires, a regression of B, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      07:50  C is resolving
      11:51  C is resolved, page
    `);
  });

  test('long after its resolution an incident is closed', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      00:00  epoch incident.close_after_s=120
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:20  rack=r2 recovers
      06:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:50  A is resolving
      02:51  A is resolved, page
      04:51  A is closed
    `);
  });

  test('a suspicion that turns out to be the first of its rack is told of as the rack', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h11 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:10  rack=r2 but h11 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:40  A's hosts?
      01:40  end
    `).reads(`
      01:14  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:40  A has hosts h11, h12, h13, h14, h15, h16, h17, h18, h19, h20
    `);
  });

  test('a host that fired alone turns out to be the first of its rack: one incident that became worse', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h11 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:30  A's title?
      02:30  end
    `).reads(`
      01:22  A fires, page: h11 drops NEIGH_FAILED in neigh_timer_handler
      02:04  A escalates, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:30  A reads: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('trouble of one rack that becomes the fleet’s is told of as that', () => {
    story(`
      fleet  80 hosts: rack r1..r8 of 10
      01:00  rack=r1 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      04:00  all drop NEIGH_FAILED/neigh_timer_handler at 500/s
      05:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r1 drop NEIGH_FAILED in neigh_timer_handler
      02:04  B fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      04:04  A escalates, page: All 80 hosts drop NEIGH_FAILED in neigh_timer_handler
      04:04  B is merged into A, page
    `);
  });

  test('symptoms that turn out to be of one trouble are merged into the older incident', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:02  h11 drops TCP_CSUM/tcp_v4_rcv at 500/s
      02:00  rack=r2 drops TCP_CSUM/tcp_v4_rcv at 500/s
      02:30  A's symptoms?
      02:30  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:24  B fires, page: h11 drops TCP_CSUM in tcp_v4_rcv
      02:04  B is merged into A, page
      02:30  A has symptoms NEIGH_FAILED in neigh_timer_handler, TCP_CSUM in tcp_v4_rcv
    `);
  });

  test('a host that fired among others goes over to the incident of its rack', () => {
    story(`
      fleet  200 hosts: rack r1..r10 of 20
      01:00  h021, h121, h161 drop NEIGH_FAILED/neigh_timer_handler at 500/s
      03:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      04:00  A's hosts?
      04:00  end
    `).reads(`
      01:46  A fires, page: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      03:04  B fires, page: All 20 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      04:00  A has hosts h121, h161
    `);
  });

  test('flapping pages once', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 flaps NEIGH_FAILED/neigh_timer_handler at 500/s, on 20 s, off 50 s, 6 times
      11:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:50  A is resolving
      02:14  A fires again
      03:00  A is resolving
      03:24  A fires again
      04:10  A is resolving
      04:34  A fires again
      05:20  A is resolving
      05:44  A fires again
      06:30  A is resolving
      06:54  A fires again
      07:40  A is resolving
    `);
  });
});
