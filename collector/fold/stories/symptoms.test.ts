/** Stories of trouble that shows in several ways, and of trouble that only looks as if it were one. */
import { describe, test } from 'vitest';
import { story } from '../testing/timeline.ts';

describe('several symptoms', () => {
  test('what begins at once on the same hosts is one incident', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:02  rack=r2 drops TCP_CSUM/tcp_v4_rcv at 500/s
      01:10  rack=r2 loses packets by rx_missed_errors at 500/s
      02:00  A's symptoms?
      03:00  rack=r2 recovers
      06:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:00  A has symptoms NEIGH_FAILED in neigh_timer_handler, TCP_CSUM in tcp_v4_rcv, rx_missed_errors
      03:30  A is resolving
      04:31  A is resolved, page
    `);
  });

  test('of a host alone, too, what comes at once is one incident', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h07 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:01  h07 drops NO_SOCKET/udp_rcv at 500/s
      02:00  A's symptoms?
      02:00  end
    `).reads(`
      01:22  A fires, page: h07 drops NEIGH_FAILED in neigh_timer_handler
      02:00  A has symptoms NEIGH_FAILED in neigh_timer_handler, NO_SOCKET in udp_rcv
    `);
  });

  test('an incident lasts as long as any of its symptoms', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:00  rack=r2 drops TCP_CSUM/tcp_v4_rcv at 500/s
      02:00  rack=r2 recovers from NEIGH_FAILED/neigh_timer_handler
      05:00  rack=r2 recovers
      07:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      05:30  A is resolving
      06:31  A is resolved, page
    `);
  });

  test('other trouble much later on the same hosts is another incident', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      09:00  rack=r2 drops TCP_CSUM/tcp_v4_rcv at 500/s
      09:30  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      09:04  B fires, page: All 10 hosts in rack r2 drop TCP_CSUM in tcp_v4_rcv
    `);
  });

  test('other trouble that begins once the first is over is another incident', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  rack=r2 recovers
      02:50  rack=r2 drops TCP_CSUM/tcp_v4_rcv at 500/s
      03:40  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:30  A is resolving
      02:54  B fires, page: All 10 hosts in rack r2 drop TCP_CSUM in tcp_v4_rcv
      03:31  A is resolved, page
    `);
  });

  test('a resolved incident takes no new trouble', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:30  rack=r2 recovers
      03:30  rack=r2 drops TCP_CSUM/tcp_v4_rcv at 500/s
      04:00  A's symptoms?
      04:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:00  A is resolving
      03:01  A is resolved, page
      03:34  B fires, page: All 10 hosts in rack r2 drop TCP_CSUM in tcp_v4_rcv
      04:00  A has symptoms NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('the same trouble of other hosts, where nothing is shared, does not join a rack’s incident', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  h31 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      03:00  A's hosts?
      03:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:22  B fires, page: h31 drops NEIGH_FAILED in neigh_timer_handler
      03:00  A has hosts h11, h12, h13, h14, h15, h16, h17, h18, h19, h20
    `);
  });

  test('different trouble of different hosts at once is two incidents, in however small a fleet', () => {
    story(`
      fleet  20 hosts: rack r1..r2 of 10
      01:00  h02..h08 drop NO_SOCKET/udp_rcv at 500/s
      01:00  h11..h16 lose packets by rx_missed_errors at 500/s
      01:30  A's symptoms?
      01:30  end
    `).reads(`
      01:04  A fires, page: 6 of 10 hosts in rack r2 lose packets (rx_missed_errors)
      01:04  B fires, page: 7 of 10 hosts in rack r1 drop NO_SOCKET in udp_rcv
      01:30  A has symptoms rx_missed_errors
    `);
  });

  test('an incident all of whose symptoms go over to another one is merged into that', () => {
    story(`
      fleet  80 hosts: rack r1..r8 of 10
      01:00  rack=r2, rack=r4 drop NEIGH_FAILED/neigh_timer_handler at 500/s
      01:02  rack=r2, rack=r4 drop TCP_CSUM/tcp_v4_rcv at 500/s
      02:00  all drop NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  all drop TCP_CSUM/tcp_v4_rcv at 500/s
      03:00  all recover
      06:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:04  B fires, page: All 10 hosts in rack r4 drop NEIGH_FAILED in neigh_timer_handler
      02:04  A escalates, page: All 80 hosts drop NEIGH_FAILED in neigh_timer_handler
      02:04  B is merged into A, page
      03:30  A is resolving
      04:31  A is resolved, page
    `);
  });

  test('a rack that recovers host by host keeps what was said of it', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  h11..h17 recover
      04:00  A's title?
      05:00  h18..h20 recover
      07:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      04:00  A reads: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      05:30  A is resolving
      06:31  A is resolved, page
    `);
  });
});
