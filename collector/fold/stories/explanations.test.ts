/** Stories of what hosts in trouble have in common, and of those that have nothing in common. */
import { describe, test } from 'vitest';
import { story } from '../testing/timeline.ts';

describe('what hosts in trouble have in common', () => {
  test('a rack and the gateway behind which exactly its hosts are explain it as well', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, gateway_mac by rack, kernel 6.1|6.6 in turn
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:10  A's explanation?
      01:10  A's equivalents?
      01:10  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:10  A is explained by rack=r2, 10 of 10, none of 30
      01:10  A is as well explained by gateway_mac=of-r2
    `);
  });

  test('most of a rack is of the rack, and noise elsewhere is left unexplained', () => {
    story(`
      fleet  200 hosts: rack r1..r10 of 20, pool web|db|cache in turn
      01:00  8 of rack=r2 drop NEIGH_FAILED/neigh_timer_handler at 500/s
      01:00  h077 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:10  A's explanation?
      01:10  A's unexplained?
      01:10  end
    `).reads(`
      01:04  A fires, page: 8 of 20 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:10  A is explained by rack=r2, 8 of 20, 1 of 180
      01:10  A leaves unexplained h077
    `);
  });

  test('what a rack has began on its hosts, whoever was watched with the first of them', () => {
    story(`
      fleet  200 hosts: rack r1..r10 of 20
      01:00  h077 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:05  h077 recovers
      01:30  h021 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:50  h022..h024 drop NEIGH_FAILED/neigh_timer_handler at 500/s
      01:56  A's beginning?
      01:56  A's hosts?
      01:56  A's numbers?
      01:56  end
    `).reads(`
      01:54  A fires, page: 4 of 20 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:56  A began at 01:30
      01:56  A has hosts h021, h022, h023, h024
      01:56  A has NEIGH_FAILED in neigh_timer_handler on 4 since 01:30
    `);
  });

  test('of many hosts one is in trouble by chance: what all have began when the others did', () => {
    story(`
      fleet  1000 hosts: pool web|db in turn
      01:00  h0001 drops NETFILTER_DROP/nf_hook_slow at 5000/s
      01:40  300 of pool=web drop NETFILTER_DROP/nf_hook_slow at 5000/s
      01:46  A's beginning?
      01:46  A's numbers?
      01:46  end
    `).reads(`
      01:44  A fires, page: 300 of 500 hosts in pool web drop NETFILTER_DROP in nf_hook_slow
      01:46  A began at 01:40
      01:46  A has NETFILTER_DROP in nf_hook_slow on 300 since 01:40
    `);
  });

  test('firmware that was rolled out in stages explains what comes with it, and the announcement is named', () => {
    story(`
      fleet  60 hosts: rack r1..r6 of 10, pool web|db|cache in turn, firmware 28.39
      01:00  ci announces "firmware 28.40, first wave" of firmware=28.40
      01:00  3 of rack=r1, 3 of rack=r2, 3 of rack=r3 come to firmware 28.40
      01:30  firmware=28.40 drops HW_CSUM/mlx5e_rx at 500/s
      02:00  3 of rack=r4, 3 of rack=r5, 3 of rack=r6 come to firmware 28.40
      02:00  firmware=28.40 drops HW_CSUM/mlx5e_rx at 500/s
      02:30  A's explanation?
      02:30  A's changes?
      02:30  end
    `).reads(`
      01:34  A fires, page: All 9 hosts on firmware mlx5_core 28.40 drop HW_CSUM in mlx5e_rx
      02:30  A is explained by firmware=mlx5_core 28.40, 18 of 18, none of 42
      02:30  A fits changes firmware 28.40, first wave
    `);
  });

  test('hosts that are rolled back and recover stay in their incident', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, firmware 28.39|28.40 in turn
      01:00  firmware=28.40 drops HW_CSUM/mlx5e_rx at 500/s
      02:00  5 of firmware=28.40 recover
      02:00  5 of firmware=28.40 come to firmware 28.39
      03:00  firmware=28.40 recovers
      03:00  firmware=28.40 comes to firmware 28.39
      05:00  end
    `).reads(`
      01:04  A fires, page: All 20 hosts on firmware mlx5_core 28.40 drop HW_CSUM in mlx5e_rx
      03:30  A is resolving
      04:31  A is resolved, page
    `);
  });

  test('of values that explain as well the one that was just rolled out comes first', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, kernel 6.1
      01:00  rack=r3 comes to kernel 6.6
      01:30  rack=r3 drops TCP_CSUM/tcp_v4_rcv at 500/s
      01:40  A's equivalents?
      01:40  end
    `).reads(`
      01:34  A fires, page: All 10 hosts on kernel 6.6 drop TCP_CSUM in tcp_v4_rcv
      01:40  A is as well explained by rack=r3
    `);
  });

  test('of values that explain as well the one that somebody announced comes first', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, service s1..s4 of 10
      01:00  ci announces "deploy s3 v2.31" of service=s3
      01:30  rack=r3 drops TCP_CSUM/tcp_v4_rcv at 500/s
      01:40  A's equivalents?
      01:40  A's changes?
      01:40  end
    `).reads(`
      01:34  A fires, page: All 10 hosts in service s3 drop TCP_CSUM in tcp_v4_rcv
      01:40  A is as well explained by rack=r3
      01:40  A fits changes deploy s3 v2.31
    `);
  });

  test('an announced change that has nothing to do with the hosts is not named', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, pool web|db in turn
      01:00  ci announces "deploy web" of pool=web
      01:30  rack=r3 drops TCP_CSUM/tcp_v4_rcv at 500/s
      01:40  A's changes?
      01:40  end
    `).reads(`
      01:34  A fires, page: All 10 hosts in rack r3 drop TCP_CSUM in tcp_v4_rcv
      01:40  A fits changes none
    `);
  });

  test('a pair of attributes explains what neither explains alone', () => {
    story(`
      fleet  120 hosts: rack r1..r6 of 20, kernel 6.1|6.6 in turn, pool web|db|cache in turn
      01:00  kernel=6.6 & pool=web drops TCP_CSUM/tcp_v4_rcv at 500/s
      01:10  A's explanation?
      01:10  end
    `).reads(`
      01:04  A fires, page: All 20 hosts in pool web on kernel 6.6 drop TCP_CSUM in tcp_v4_rcv
      01:10  A is explained by pool=web and kernel=6.6, 20 of 20, none of 100
    `);
  });

  test('two racks with the same trouble at once are two incidents', () => {
    story(`
      fleet  200 hosts: rack r1..r10 of 20
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:00  rack=r7 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:10  end
    `).reads(`
      01:04  A fires, page: All 20 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:04  B fires, page: All 20 hosts in rack r7 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('two racks of four with the same trouble at once are two incidents, and no trouble of the fleet', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:00  rack=r3 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:10  end
    `).reads(`
      01:04  A fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:04  B fires, page: All 10 hosts in rack r3 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('two causes of different trouble at once are two incidents', () => {
    story(`
      fleet  60 hosts: rack r1..r6 of 10, firmware 28.39|28.40|28.41 in turn
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      01:00  firmware=28.41 drops HW_CSUM/mlx5e_rx at 500/s
      01:10  end
    `).reads(`
      01:04  A fires, page: All 20 hosts on firmware mlx5_core 28.41 drop HW_CSUM in mlx5e_rx
      01:04  B fires, page: All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
    `);
  });

  test('a rack and a firmware with the same trouble at once are two incidents', () => {
    story(`
      fleet  200 hosts: rack r1..r10 of 20, firmware 28.37|28.38|28.39|28.40|28.41 in turn
      01:00  rack=r2 drops HW_CSUM/mlx5e_rx at 500/s
      01:00  firmware=28.41 drops HW_CSUM/mlx5e_rx at 500/s
      01:10  A's explanation?
      01:10  B's explanation?
      01:10  end
    `).reads(`
      01:04  A fires, page: All 40 hosts on firmware mlx5_core 28.41 drop HW_CSUM in mlx5e_rx
      01:04  B fires, page: All 16 hosts in rack r2 drop HW_CSUM in mlx5e_rx
      01:10  A is explained by firmware=mlx5_core 28.41, 40 of 40, 16 of 160
      01:10  B is explained by rack=r2, 16 of 16, none of 144
    `);
  });

  test('the second cause of trouble that one rack already has is an incident of its own', () => {
    story(`
      fleet  200 hosts: rack r1..r10 of 20
      01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      03:00  rack=r7 drops NEIGH_FAILED/neigh_timer_handler at 500/s
      04:00  rack=r2 recovers
      06:00  end
    `).reads(`
      01:04  A fires, page: All 20 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      03:04  B fires, page: All 20 hosts in rack r7 drop NEIGH_FAILED in neigh_timer_handler
      04:30  A is resolving
      05:31  A is resolved, page
    `);
  });

  test('half of one of two racks is of that rack, and not of the fleet', () => {
    story(`
      fleet  20 hosts: rack r1..r2 of 10
      01:00  6 of rack=r2 drop NEIGH_FAILED/neigh_timer_handler at 500/s
      01:10  A's explanation?
      01:10  end
    `).reads(`
      01:04  A fires, page: 6 of 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler
      01:10  A is explained by rack=r2, 6 of 10, none of 10
    `);
  });

  test('trouble of the whole fleet is the fleet’s', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, pool web|db in turn
      01:00  all but h03,h14,h25 drop NO_SOCKET/udp_rcv at 500/s
      01:10  A's explanation?
      01:10  end
    `).reads(`
      01:04  A fires, page: 37 of 40 hosts drop NO_SOCKET in udp_rcv
      01:10  A is explained by the whole fleet, 37 of 40, none of 0
    `);
  });
});

describe('hosts that have nothing in common', () => {
  test('in a large fleet a few of them page only once their trouble has lasted', () => {
    story(`
      fleet  1000 hosts: rack r1..r50 of 20, pool web|db|cache in turn
      01:00  h0007, h0405 drop NO_SOCKET/udp_rcv at 500/s
      01:50  h0007 recovers
      03:00  end
    `).reads(`
      02:11  A fires, page: h0405 drops NO_SOCKET in udp_rcv
    `);
  });

  test('many of them at once are no chance, and page within seconds, when no more join', () => {
    story(`
      fleet  1000 hosts: rack r1..r50 of 20, pool web|db|cache in turn
      01:00  h0007, h0108, h0210, h0304, h0351, h0445, h0502, h0590, h0613, h0704, h0760, h0809, h0871, h0950 drop NO_SOCKET/udp_rcv at 500/s
      01:30  A's explanation?
      01:30  end
    `).reads(`
      01:07  A fires, page: 14 hosts drop NO_SOCKET in udp_rcv
      01:30  A is not explained
    `);
  });

  test('two hosts of a small fleet that happen to share much have nothing in common', () => {
    story(`
      fleet  40 hosts: rack r1..r4 of 10, pool web|db in turn
      01:00  h03, h25 drop NO_SOCKET/udp_rcv at 500/s
      02:00  A's explanation?
      02:00  end
    `).reads(`
      01:22  A fires, page: 2 hosts drop NO_SOCKET in udp_rcv
      02:00  A is not explained
    `);
  });

  test('in a small fleet a single host pages at once', () => {
    story(`
      fleet  4 hosts
      01:00  h2 drops NO_SOCKET/udp_rcv at 500/s
      01:10  end
    `).reads(`
      01:04  A fires, page: h2 drops NO_SOCKET in udp_rcv
    `);
  });

  test('hosts that follow one after the other join one incident and one page', () => {
    story(`
      fleet  200 hosts: rack r1..r10 of 20
      01:00  h007 drops NO_SOCKET/udp_rcv at 500/s
      03:00  h105 drops NO_SOCKET/udp_rcv at 500/s
      05:00  A's title?
      05:00  end
    `).reads(`
      01:46  A fires, page: h007 drops NO_SOCKET in udp_rcv
      05:00  A reads: 2 hosts drop NO_SOCKET in udp_rcv
    `);
  });
});
