/** Stories of replicas and of the log: what a restart, a change of leader and an outage must not do. */
import { describe, test } from 'vitest';
import { story } from '../testing/timeline.ts';

describe('replicas', () => {
  test('a restart neither fires again nor forgets who silenced what', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      00:30  ann silences rack=r3 for 3 min as s1
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:02  the replica restarts
      01:30  rack=r3 drops TCP_CSUM/tcp_v4_rcv at 500/s
      02:00  the replica restarts
      02:10  ann acknowledges A
      02:11  the replica restarts
      04:00  rack=r2 recovers
      04:45  the replica restarts
      06:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:34  B fires: All 10 hosts in rack r3 drop TCP_CSUM in tcp_v4_rcv
      01:34  B is suppressed by silence s1
      02:10  A is acknowledged by ann
      03:30  B is no longer suppressed
      03:30  B pages: All 10 hosts in rack r3 drop TCP_CSUM in tcp_v4_rcv
      04:30  A is resolving
      05:31  A is resolved, page
    `);
  });

  test('another leader tells nobody what the one before has told', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      00:10  east claims for 60 s
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:06  east delivers A's page
      01:30  west claims for 60 s
      02:00  A's deliveries?
      03:00  rack=r2 recovers
      05:00  A's deliveries?
      05:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:00  A has deliveries firing delivered
      03:30  A is resolving
      04:31  A is resolved, page
      05:00  A has deliveries firing delivered, resolved pending
    `);
  });

  test('agents that restart in the middle of trouble, with new spools, are of the same incident', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  h12 stops
      02:05  h12 starts
      02:30  rack=r2 stops
      02:33  rack=r2 loses their spools
      02:33  rack=r2 starts
      04:00  rack=r2 recovers
      06:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:30  A is resolving
      02:37  A fires again
      04:30  A is resolving
      05:31  A is resolved, page
    `);
  });

  test('an outage of the log defers what is due, and repeats nothing', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  rack=r2 recovers
      02:50  the log is away for 3 min
      08:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:30  A is resolving
      06:31  A is resolved, page
    `);
  });

  test('trouble that begins while the log is away is told of as it comes back', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  the log is away for 2 min
      01:30  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      05:00  A's hosts?
      05:00  end
    `).reads(`
      03:00  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      05:00  A has hosts h11, h12, h13, h14, h15, h16, h17, h18, h19, h20
    `);
  });

  test('an epoch with another configuration changes what comes, and nothing that was', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:30  epoch incident.hold_down_s=10
      02:00  rack=r2 recovers
      03:00  epoch detect.sustain_ms=20000
      04:00  rack=r3 drops TCP_CSUM/tcp_v4_rcv at 500/s
      05:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:30  A is resolving
      02:41  A is resolved, page
      04:21  B fires, page: All 10 hosts in rack r3 drop TCP_CSUM in tcp_v4_rcv
    `);
  });
});
