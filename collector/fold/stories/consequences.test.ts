/** Stories of trouble that comes of other trouble. */
import { describe, test } from 'vitest';
import { story } from '../testing/timeline.ts';

describe('what comes of a host that is gone', () => {
  test('drops of packets for a crashed host are told under its crash, and page nobody', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:10  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      02:00  A's consequences?
      02:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:14  B fires: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:14  B comes of A, before
      01:14  B is suppressed by A
      02:00  A has consequences B
    `);
  });

  test('even one host’s drops are of the crash that their packets were for', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:10  h11 drops NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      02:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:14  B fires: h11 drops NEIGH_FAILED in neigh_timer_handler
      01:14  B comes of A, before
      01:14  B is suppressed by A
    `);
  });

  test('what began within what clocks may err is concurrent, and no order is claimed', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:00  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      01:30  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:04  B fires: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:04  B comes of A, concurrent
      01:04  B is suppressed by A
    `);
  });

  test('drops that began well before the crash are no consequence of it', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      02:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      03:00  B's title?
      03:00  end
    `).reads(`
      01:04  A fires, page: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      02:00  B fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      03:00  B reads: h07 crashed: kernel BUG in nvme_queue_rq
    `);
  });

  test('drops towards a silent host are told under its silence', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h07 falls silent
      01:05  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      03:00  B's consequences?
      03:00  end
    `).reads(`
      01:09  A fires, page: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:37  B fires, page: h07 is silent
      01:37  A comes of B, concurrent
      01:37  A is suppressed by B
      03:00  B has consequences A
    `);
  });

  test('a consequence that goes on when its cause is over pages then', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      00:00  epoch incident.crash_quiet_s=120
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:10  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      02:00  h07 boots
      05:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:14  B fires: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:14  B comes of A, before
      01:14  B is suppressed by A
      03:01  A is resolving
      03:03  B is no longer suppressed
      03:03  B pages: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      04:01  A is resolved, page
    `);
  });

  test('a consequence that goes on once its host is back pages then', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:10  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      01:30  h07 boots
      05:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:14  B fires: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:14  B comes of A, before
      01:14  B is suppressed by A
      02:33  B is no longer suppressed
      02:33  B pages: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('drops for a host that crashed and is back are no consequence of its crash', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:30  h07 boots
      05:00  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      06:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      05:04  B fires, page: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('a consequence that ends with its cause was never told of', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      00:00  epoch incident.crash_quiet_s=180
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:10  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      02:00  h07 boots
      02:00  h11, h22, h33 recover
      06:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:14  B fires: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:14  B comes of A, before
      01:14  B is suppressed by A
      02:30  B is resolving
      03:31  B is resolved
      04:01  A is resolving
      05:01  A is resolved, page
    `);
  });

  test('what comes of a switch that is gone is one incident, whichever of its hosts packets were for', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r3 falls silent
      01:05  h01,h12,h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h21
      01:05  h02,h13,h34 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h22
      01:05  h03,h14,h35 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h23
      03:00  rack=r3 speaks again
      03:00  all but rack=r3 recover
      06:00  end
    `).reads(`
      01:12  A fires, page: 9 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:23  B fires, page: 3 of 10 hosts in rack r3 are silent
      01:23  A comes of B, before
      01:23  A is suppressed by B
      03:01  B is resolving
      03:30  A is resolving
      04:02  B is resolved, page
      04:31  A is resolved, page
    `);
  });

  test('an operator who calls a cause over is told of what goes on of it', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:10  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      02:00  ann resolves A "gone for good"
      03:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:14  B fires: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:14  B comes of A, before
      01:14  B is suppressed by A
      02:00  A is resolved by ann, page
      02:01  B is no longer suppressed
      02:01  B pages: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('a rack that dies is one incident, and its neighbours’ drops another under it', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  rack=r2 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:05  rack=r1 drops NEIGH_FAILED/neigh_timer_handler at 500/s towards h11
      02:00  A's explanation?
      02:30  rack=r2 boots
      02:30  rack=r1 recovers
      14:00  end
    `).reads(`
      01:00  A fires, page: All 10 hosts in rack r2 crashed: Kernel panic - not syncing: Fatal exception
      01:09  B fires: All 10 hosts in rack r1 drop NEIGH_FAILED in neigh_timer_handler
      01:09  B comes of A, before
      01:09  B is suppressed by A
      02:00  A is explained by rack=r2, 10 of 10, none of 30
      03:00  B is resolving
      04:01  B is resolved
      11:01  A is resolving
      12:01  A is resolved, page
    `);
  });

  test('what comes of a crash in maintenance is kept from everybody as the crash is', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      00:30  ann maintains host=h07 for 10 min as m1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:10  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      03:00  end
    `).reads(`
      01:00  A fires: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:00  A is suppressed by maintenance m1
      01:14  B fires: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:14  B comes of A, before
      01:14  B is suppressed by A
    `);
  });

  test('of two hosts that died each has its own consequences', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:05  h17 crashes "divide error in tcp_rate_gen", heard by h40
      01:10  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      01:12  h12, h23, h34 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h17
      03:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:10  B fires, page: h17 crashed: divide error in tcp_rate_gen
      01:14  C fires: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:14  C comes of A, before
      01:14  C is suppressed by A
      01:16  D fires: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:16  D comes of B, before
      01:16  D is suppressed by B
    `);
  });

  test('drops for one host that lives are one incident at once, in however large a fleet', () => {
    story(`
      fleet  200 hosts: rack r1..r10 of 20
      01:00  h011, h062, h103, h154 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h007
      01:30  end
    `).reads(`
      01:04  A fires, page: 4 hosts drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('drops of the same kind that are for nobody in particular are no consequence', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:10  h11, h22, h33 drop NEIGH_FAILED/neigh_timer_handler at 500/s towards h07
      01:30  rack=r4 but h33 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:14  B fires: 3 hosts drop NEIGH_FAILED in neigh_timer_handler
      01:14  B comes of A, before
      01:14  B is suppressed by A
      01:34  C fires, page: 9 of 10 hosts in rack r4 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });
});
