/** Stories of hosts that say nothing any more. */
import { describe, test } from 'vitest';
import { story } from '../testing/timeline.ts';

describe('silence', () => {
  test('a host that falls silent pages, and is resolved once it speaks again', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h07 falls silent
      03:00  h07 speaks again
      06:00  end
    `).reads(`
      01:37  A fires, page: h07 is silent
      03:01  A is resolving
      04:02  A is resolved, page
    `);
  });

  test('many hosts behind one switch are one incident, not many dead hosts', () => {
    story(`
      fleet  40 hosts: gateway_mac g1..g4 of 10, pool web|db in turn
      01:00  gateway_mac=g3 falls silent
      03:00  A's explanation?
      04:00  gateway_mac=g3 speaks again
      06:00  end
    `).reads(`
      01:23  A fires, page: 3 of 10 hosts behind gateway_mac g3 are silent
      03:00  A is explained by gateway_mac=g3, 10 of 10, none of 30
      04:01  A is resolving
      05:02  A is resolved, page
    `);
  });

  test('two hosts that fall silent one after the other, and have nothing in common, are two incidents', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h07 falls silent
      08:00  h33 falls silent
      09:00  end
    `).reads(`
      01:37  A fires, page: h07 is silent
      08:31  B fires, page: h33 is silent
    `);
  });

  test('a planned stop is no silence', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h07 stops
      05:00  h07 starts
      07:00  end
    `).reads('');
  });

  test('a crash explains the silence of its host', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      05:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
    `);
  });

  test('an outage of the log makes nobody silent', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  the log is away for 2 min
      05:00  end
    `).reads('');
  });

  test('a host that was silent when the log went away is not forgotten over it', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h07 falls silent
      01:10  the log is away for 2 min
      04:00  end
    `).reads(`
      03:37  A fires, page: h07 is silent
    `);
  });

  test('a rack that died while the log was away is told of once it is back', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  the log is away for 5 min
      02:00  rack=r2 falls silent
      08:00  end
    `).reads(`
      06:30  A fires, page: All 10 hosts in rack r2 are silent
    `);
  });

  test('a host that restarts with an empty spool was not silent', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  h07 stops
      01:10  h07 loses its spool
      01:10  h07 starts
      04:00  end
    `).reads('');
  });

  test('drops that end in silence end with it: one incident that became worse', () => {
    story(`
      fleet  4 hosts
      01:00  h2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  h2 falls silent
      03:00  A's symptoms?
      03:00  end
    `).reads(`
      01:04  A fires, page: h2 drops NEIGH_FAILED in neigh_timer_handler
      02:30  A escalates, page: h2 drops NEIGH_FAILED in neigh_timer_handler
      03:00  A has symptoms NEIGH_FAILED in neigh_timer_handler, silence
    `);
  });

  test('clocks that are off by minutes make nobody late and nobody silent', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      rack=r1 is 300 s ahead
      rack=r2 is 900 s behind
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      02:00  A's beginning?
      02:00  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      02:00  A began at 01:00
    `);
  });
});
