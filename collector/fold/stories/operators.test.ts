/** Stories of operators: what they acknowledge, silence, maintain and call over. */
import { describe, test } from 'vitest';
import { story } from '../testing/timeline.ts';

describe('silences', () => {
  test('a silence that covers a rack keeps its trouble from paging', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      00:30  ann silences rack=r2 for 10 min as s1
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      03:00  rack=r2 recovers
      06:00  end
    `).reads(`
      01:04  A fires: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:04  A is suppressed by silence s1
      03:30  A is resolving
      04:31  A is resolved
    `);
  });

  test('trouble that outlives its silence pages when the silence ends', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      00:30  ann silences rack=r2 for 90 s as s1
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      03:00  end
    `).reads(`
      01:04  A fires: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:04  A is suppressed by silence s1
      02:00  A is no longer suppressed
      02:00  A pages: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('trouble that outlives a silence which somebody ends pages then', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      00:30  ann silences reason=NEIGH_* for 10 min as s1
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  ann ends s1
      03:00  end
    `).reads(`
      01:04  A fires: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:04  A is suppressed by silence s1
      02:01  A is no longer suppressed
      02:01  A pages: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('maintenance that is over before the trouble is pages for what goes on', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      00:30  ann maintains rack=r2 for 2 min as m1
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      04:00  rack=r2 recovers
      06:00  end
    `).reads(`
      01:04  A fires: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:04  A is suppressed by maintenance m1
      02:30  A is no longer suppressed
      02:30  A pages: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      04:30  A is resolving
      05:31  A is resolved, page
    `);
  });

  test('a silence that ends while the trouble is already going pages nobody', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      00:30  ann silences rack=r2 for 2 min as s1
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:45  rack=r2 recovers
      06:00  end
    `).reads(`
      01:04  A fires: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:04  A is suppressed by silence s1
      02:15  A is resolving
      03:16  A is resolved
    `);
  });

  test('a silence that names a rack does not hide another rack’s host in the same incident', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, firmware 28.39|28.40 in turn
      00:30  ann silences rack=r1 for 10 min as s1
      01:00  firmware=28.40 & rack=r1 drops HW_CSUM/mlx5e_rx at 500/s
      02:00  firmware=28.40 drops HW_CSUM/mlx5e_rx at 500/s
      02:30  A's title?
      02:30  end
    `).reads(`
      01:04  A fires: All 5 hosts in rack r1 on firmware mlx5_core 28.40 drop HW_CSUM in mlx5e_rx
      01:04  A is suppressed by silence s1
      02:04  A is no longer suppressed
      02:04  A pages: All 20 hosts on firmware mlx5_core 28.40 drop HW_CSUM in mlx5e_rx
      02:30  A reads: All 20 hosts on firmware mlx5_core 28.40 drop HW_CSUM in mlx5e_rx
    `);
  });

  test('a silence that covers the hosts that are listed does not hide those for which there was no room', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, firmware 28.39|28.40 in turn
      00:10  epoch incident.max_hosts=5
      00:30  ann silences rack=r1 for 10 min as s1
      01:00  firmware=28.40 drops HW_CSUM/mlx5e_rx at 500/s
      01:30  A's hosts?
      01:30  end
    `).reads(`
      01:04  A fires, page: All 20 hosts on firmware mlx5_core 28.40 drop HW_CSUM in mlx5e_rx
      01:30  A has hosts h02, h04, h06, h08, h10
    `);
  });

  test('a silence of one reason does not hide what comes with it', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      00:30  ann silences reason=NEIGH_FAILED for 10 min as s1
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:10  rack=r2 drops TCP_CSUM/tcp_v4_rcv at 500/s
      03:00  A's symptoms?
      03:00  end
    `).reads(`
      01:04  A fires: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:04  A is suppressed by silence s1
      01:14  A is no longer suppressed
      01:14  A pages: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      03:00  A has symptoms NEIGH_FAILED in neigh_timer_handler, TCP_CSUM in tcp_v4_rcv
    `);
  });

  test('once only hosts in maintenance are left, an incident is theirs', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, firmware 28.39|28.40 in turn
      00:30  ann maintains rack=r1 for 10 min as m1
      01:00  firmware=28.40 drops HW_CSUM/mlx5e_rx at 500/s
      02:00  all but rack=r1 recover
      03:00  ann ends m1
      04:00  firmware=28.40 recovers
      07:00  end
    `).reads(`
      01:04  A fires, page: All 20 hosts on firmware mlx5_core 28.40 drop HW_CSUM in mlx5e_rx
      02:31  A is suppressed by maintenance m1
      03:01  A is no longer suppressed
      04:30  A is resolving
      05:31  A is resolved, page
    `);
  });

  test('what became worse under a silence is told when that ends', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:20  ann silences rack=r2 for 3 min as s1
      02:00  rack=r2 falls silent
      06:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:21  A is suppressed by silence s1
      04:20  A is no longer suppressed
      04:20  A escalates, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('an incident that two silences cover together pages when one of them ends', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, firmware 28.39|28.40 in turn
      00:30  ann silences rack=r1 for 5 min as s1
      00:30  ann silences rack!=r1 for 3 min as s2
      01:00  firmware=28.40 drops HW_CSUM/mlx5e_rx at 500/s
      06:00  end
    `).reads(`
      01:04  A fires: All 20 hosts on firmware mlx5_core 28.40 drop HW_CSUM in mlx5e_rx
      01:04  A is suppressed by silence s1
      03:30  A is no longer suppressed
      03:30  A pages: All 20 hosts on firmware mlx5_core 28.40 drop HW_CSUM in mlx5e_rx
    `);
  });

  test('a silence made after the page keeps the resolution quiet no less than the trouble', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:30  ann silences incident=A for 10 min as s1
      02:00  rack=r2 recovers
      06:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:31  A is suppressed by silence s1
      02:30  A is resolving
      03:31  A is resolved, page
    `);
  });
});

describe('silences of other kinds', () => {
  test('a rack that is taken down in its maintenance is silent without a page', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      00:30  ann maintains rack=r2 for 10 min as m1
      01:00  rack=r2 falls silent
      04:00  rack=r2 speaks again
      06:00  end
    `).reads(`
      01:23  A fires: 3 of 10 hosts in rack r2 are silent
      01:23  A is suppressed by maintenance m1
      04:01  A is resolving
      05:02  A is resolved
    `);
  });

  test('a silence of a fingerprint covers what comes back', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:30  ann silences fingerprint=A for 20 min as s1
      02:00  rack=r2 recovers
      05:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      05:30  rack=r3 drops TCP_CSUM/tcp_v4_rcv at 500/s
      06:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:31  A is suppressed by silence s1
      02:30  A is resolving
      03:31  A is resolved, page
      05:04  B fires, a regression of A: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      05:04  B is suppressed by silence s1
      05:34  C fires, page: All 10 hosts in rack r3 drop TCP_CSUM in tcp_v4_rcv
    `);
  });

  test('a crash in a silenced rack pages once a host elsewhere dies of the same', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      00:30  ann silences rack=r1 for 10 min as s1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:20  h17 crashes "kernel BUG in nvme_queue_rq", heard by h40
      02:00  end
    `).reads(`
      01:00  A fires: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:00  A is suppressed by silence s1
      01:20  A is no longer suppressed
      01:20  A pages: 2 hosts crashed: kernel BUG in nvme_queue_rq
    `);
  });

  test('a silence of one incident is over with it', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:30  ann silences incident=A for 20 min as s1
      02:00  rack=r2 recovers
      05:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      05:30  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:31  A is suppressed by silence s1
      02:30  A is resolving
      03:31  A is resolved, page
      05:04  B fires, a regression of A, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });
});

describe('acknowledging and resolving', () => {
  test('a comment stands in the trail and changes nothing', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  ann comments on A "looks like the switch"
      02:30  A's audit?
      02:30  A's state?
      02:30  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:30  A was fired, comment
      02:30  A is firing
    `);
  });

  test('acknowledging does not keep worse from being told', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:30  ann acknowledges A "the switch is being replaced"
      02:00  rack=r2 falls silent
      03:00  A's symptoms?
      03:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:30  A is acknowledged by ann: the switch is being replaced
      02:30  A escalates, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      03:00  A has symptoms NEIGH_FAILED in neigh_timer_handler, silence
    `);
  });

  test('what was acknowledged takes no hosts that have nothing in common with it: they are news', () => {
    story(`
      fleet  200 hosts: rack r1..r10 of 20
      01:00  h007 drops NO_SOCKET/udp_rcv at 500/s
      02:30  ann acknowledges A "a bad release on h007"
      05:00  h105 drops NO_SOCKET/udp_rcv at 500/s
      07:00  end
    `).reads(`
      01:46  A fires, page: h007 drops NO_SOCKET in udp_rcv
      02:30  A is acknowledged by ann: a bad release on h007
      05:46  B fires, page: h105 drops NO_SOCKET in udp_rcv
    `);
  });

  test('what is acknowledged while it resolves is acknowledged when it comes back', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  rack=r2 recovers
      02:40  ann acknowledges A "seen"
      02:50  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      04:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:30  A is resolving
      02:40  A is acknowledged by ann: seen
      02:54  A goes on, acknowledged
    `);
  });

  test('what is over is neither resolved again nor acknowledged, but may be commented on', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  ann resolves A "harmless"
      02:10  ann resolves A "again"
      02:20  ann acknowledges A "too late"
      02:30  ann comments on A "so be it"
      03:00  A's audit?
      03:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:00  A is resolved by ann, page
      03:00  A was fired, resolved, comment
    `);
  });

  test('worse than what an operator called over is a new incident', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  ann resolves A "harmless"
      03:00  rack=r2 falls silent
      05:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:00  A is resolved by ann, page
      03:30  B fires, page: All 10 hosts in rack r2 are silent
    `);
  });

  test('what an operator calls over is not opened again by trouble that just goes on', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  ann resolves A "known, harmless"
      05:00  rack=r2 recovers
      07:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      07:30  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:00  A is resolved by ann, page
      07:04  B fires, a regression of A, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });
});
