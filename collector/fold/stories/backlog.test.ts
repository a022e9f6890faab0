/** Stories of what comes late: history, which pages nobody. */
import { describe, test } from 'vitest';
import { story } from '../testing/timeline.ts';

describe('a backlog', () => {
  test('hosts that were cut off for long send one digest of what they dropped meanwhile, and page nobody', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h31..h33 are cut off
      02:00  h31..h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s
      05:00  h31..h33 recover
      20:00  h31..h33 are reconnected
      24:00  B's title?
      24:00  end
    `).reads(`
      01:23  A fires, page: 3 of 10 hosts in rack r4 are silent
      20:00  B is a digest: h33 sent a backlog
      20:00  A is resolving
      21:01  A is resolved, page
      21:03  B is resolved
      24:00  B reads: 3 hosts sent backlogs
    `);
  });

  test('what was history adds to the incident of its time, and glues nothing to what goes on now', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  h11 is cut off
      03:00  rack=r2 recovers
      03:10  h11 drops TCP_CSUM/tcp_v4_rcv at 500/s
      04:00  h11 recovers
      16:00  rack=r4 drops TCP_CSUM/tcp_v4_rcv at 500/s
      16:10  h11 is reconnected
      17:00  A's late?
      17:00  B's hosts?
      17:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:30  A escalates, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      16:04  B fires, page: All 10 hosts in rack r4 drop TCP_CSUM in tcp_v4_rcv
      16:10  C is a digest: h11 sent a backlog
      16:10  A is resolving
      17:00  A has 7 late reports of 30500 events
      17:00  B has hosts h31, h32, h33, h34, h35, h36, h37, h38, h39, h40
    `);
  });

  test('what is late by less than ten minutes is no history: its trouble pages', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  messages of rack=r2 come 9 s late
      03:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      06:00  end
    `).reads(`
      03:13  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('trouble that goes on after a partition is told of, and lasts', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 is cut off
      03:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      14:00  rack=r2 is reconnected
      18:00  rack=r2 recovers
      20:00  end
    `).reads(`
      01:23  A fires, page: 3 of 10 hosts in rack r2 are silent
      14:00  B is a digest: h13 sent a backlog
      14:00  A is resolving
      14:01  C fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      15:01  A is resolved, page
      15:01  B is resolved
      18:30  C is resolving
      19:31  C is resolved, page
    `);
  });

  test('a host alone whose trouble goes on after its backlog is told of by itself', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h07 is cut off
      03:00  h07 drops NO_SOCKET/udp_rcv at 500/s
      14:00  h07 is reconnected
      18:00  h07 recovers
      20:00  end
    `).reads(`
      01:37  A fires, page: h07 is silent
      14:00  B is a digest: h07 sent a backlog
      14:00  A is resolving
      14:22  C fires, page: h07 drops NO_SOCKET in udp_rcv
      15:01  A is resolved, page
      15:01  B is resolved
      18:30  C is resolving
      19:31  C is resolved, page
    `);
  });

  test('a partition in the middle of trouble is the same trouble, and what was spooled is no history yet', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  rack=r2 is cut off
      04:00  rack=r2 is reconnected
      06:00  rack=r2 recovers
      09:00  A's late?
      09:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:30  A escalates, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      04:00  A is resolving
      04:01  A fires again
      06:30  A is resolving
      07:31  A is resolved, page
      09:00  A has 0 late reports of 0 events
    `);
  });

  test('a crash that a relay heard while it was cut off is history, and pages nobody', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 stops
      01:05  h40 is cut off
      01:10  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      02:00  h07 boots
      14:00  h40 is reconnected
      17:00  end
    `).reads(`
      01:44  A fires, page: h40 is silent
      14:00  B is a digest: h40 sent a backlog
      14:00  A is resolving
      15:01  A is resolved, page
      15:01  B is resolved
    `);
  });

  test('messages that come twice, and some of them late and out of order, page as others do', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      messages of all come twice
      every 7th message of all comes 15 s late
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  rack=r2 recovers
      04:00  end
    `).reads(`
      01:04  A fires, page: 8 of 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:50  A is resolving
      03:51  A is resolved, page
    `);
  });
});
