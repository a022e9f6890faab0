/** Stories of kernels that die. */
import { describe, test } from 'vitest';
import { story } from '../testing/timeline.ts';

describe('crashes', () => {
  test('a first sign pages at once; once its log is read the incident says of what, and pages nobody again', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:30  A's title?
      01:30  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:30  A reads: h07 crashed: kernel BUG in nvme_queue_rq
    `);
  });

  test('one signature over many hosts is one incident and one page', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:20  h13 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:50  h22 crashes "kernel BUG in nvme_queue_rq", heard by h39
      03:00  A's title?
      03:00  A's hosts?
      03:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      03:00  A reads: 3 hosts crashed: kernel BUG in nvme_queue_rq
      03:00  A has hosts h07, h13, h22
    `);
  });

  test('two signatures in one minute are two incidents once their logs are read', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:03  h13 crashes "divide error in tcp_rate_gen", heard by h40
      01:30  A's title?
      01:30  B's title?
      01:30  A's hosts?
      01:30  B's hosts?
      01:30  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:08  B fires, page: h13 crashed: divide error in tcp_rate_gen
      01:30  A reads: h07 crashed: kernel BUG in nvme_queue_rq
      01:30  B reads: h13 crashed: divide error in tcp_rate_gen
      01:30  A has hosts h07
      01:30  B has hosts h13
    `);
  });

  test('a host that crashes again and again is a loop, which is told once', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      02:00  h07 boots
      04:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      05:00  h07 boots
      07:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      08:00  h07 boots
      10:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      11:00  A's loops?
      11:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      07:00  A escalates, page: h07 crashed again and again: kernel BUG in nvme_queue_rq
      11:00  A has loops of h07
    `);
  });

  test('a crash that was never seen before, on a kernel that was just rolled out, is a rollout alarm', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07, h17, h27 come to kernel 6.6
      02:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      02:40  h17 crashes "kernel BUG in nvme_queue_rq", heard by h40
      03:00  h27 crashes "kernel BUG in nvme_queue_rq", heard by h40
      03:30  A's title?
      03:30  A's explanation?
      03:30  end
    `).reads(`
      02:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      02:05  A escalates, page: h07 crashed: kernel BUG in nvme_queue_rq, new on kernel 6.6
      03:30  A reads: All 3 hosts on kernel 6.6 crashed: kernel BUG in nvme_queue_rq, new on kernel 6.6
      03:30  A is explained by kernel=6.6, 3 of 3, none of 37
    `);
  });

  test('what a host finds in its pstore after the reboot is the crash that was heard', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      03:00  h07 boots with pstore
      05:00  A's hosts?
      05:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      05:00  A has hosts h07
    `);
  });

  test('a crash that was heard and one of the same signature that was not are one incident', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:00  h28 crashes "kernel BUG in nvme_queue_rq"
      03:00  h07,h28 boot with pstore
      05:00  A's hosts?
      05:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:36  B fires, page: h28 is silent
      03:02  B is merged into A, page
      05:00  A has hosts h07, h28
    `);
  });

  test('a crash that nobody heard is told of when the host finds it in its pstore, and was why it was silent', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq"
      03:00  h07 boots with pstore
      05:00  end
    `).reads(`
      01:37  A fires, page: h07 is silent
      03:02  B fires, page: h07 crashed: kernel BUG in nvme_queue_rq
      03:02  A is merged into B, page
    `);
  });

  test('a crash that is heard of once its host was told to be silent takes the silence over', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      messages of h40 come 60 s late
      02:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      05:00  end
    `).reads(`
      02:37  A fires, page: h07 is silent
      03:00  B fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      03:00  A is merged into B, page
    `);
  });

  test('a crash that is heard of late, by ten minutes and more, pages nobody', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 stops
      01:01  h07 crashes "kernel BUG in nvme_queue_rq"
      14:00  h07 boots with pstore
      16:00  end
    `).reads('');
  });

  test('a crash that comes late adds to the incident of its signature that is still open', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h17 stops
      01:01  h17 crashes "kernel BUG in nvme_queue_rq"
      10:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      14:00  h17 boots with pstore
      16:00  A's title?
      16:00  A's late?
      16:00  end
    `).reads(`
      10:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      16:00  A reads: h07 crashed: kernel BUG in nvme_queue_rq
      16:00  A has 1 late reports of 0 events
    `);
  });

  test('the same crash after its incident was resolved is a regression, as soon as its log is read', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      00:00  epoch incident.crash_quiet_s=60
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:20  h07 boots
      06:00  h17 crashes "kernel BUG in nvme_queue_rq", heard by h40
      06:20  h17 boots
      07:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      02:01  A is resolving
      03:01  A is resolved, page
      06:00  B fires, page: h17 crashed: Kernel panic - not syncing: Fatal exception
      06:05  B is a regression of A
    `);
  });

  test('what nobody read is no past of anything', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      00:00  epoch incident.crash_quiet_s=60
      01:00  h07 crashes "nobody knows", heard by h40, unread
      01:20  h07 boots
      06:00  h17 crashes "kernel BUG in nvme_queue_rq", heard by h40
      06:20  h17 boots
      07:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      02:01  A is resolving
      03:01  A is resolved, page
      06:00  B fires, page: h17 crashed: Kernel panic - not syncing: Fatal exception
    `);
  });

  test('a crash that two relays hear is one', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h39, h40
      03:00  A's hosts?
      03:00  A's loops?
      03:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      03:00  A has hosts h07
      03:00  A has loops of none
    `);
  });

  test('a crash of a host that nobody knows yet is its host’s once that is known', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      h07 falls silent
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:30  A's hosts?
      02:00  h07 boots with pstore
      03:00  A's hosts?
      03:00  end
    `).reads(`
      01:00  A fires, page: 10.0.0.7 crashed: Kernel panic - not syncing: Fatal exception
      01:30  A has hosts 10.0.0.7
      03:00  A has hosts h07
    `);
  });

  test('an incident of crashes is resolved once its hosts are back and nothing more came', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      00:00  epoch incident.crash_quiet_s=120
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      02:00  h07 boots
      06:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      03:01  A is resolving
      04:01  A is resolved, page
    `);
  });

  test('an incident of crashes is not resolved while a host of it is not back', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      00:00  epoch incident.crash_quiet_s=120
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      08:00  h07 boots
      12:00  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      09:01  A is resolving
      10:01  A is resolved, page
    `);
  });

  test('a relay whose clock is wrong tells when a host crashed all the same', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      h40 is 3000 s behind
      01:00  h07 crashes "kernel BUG in nvme_queue_rq", heard by h40
      01:30  A's beginning?
      01:30  end
    `).reads(`
      01:00  A fires, page: h07 crashed: Kernel panic - not syncing: Fatal exception
      01:30  A began at 01:00
    `);
  });
});
