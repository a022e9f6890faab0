/**
 * Kernel logs that look real, the same for the same seed: a machine's small talk, and at the end the report of an oops in
 * interrupt context and the panic after it. For tests and load; knows no protocol.
 */

import { Random } from '../fuzz/random.ts';
import { basicText, type LogRecord } from './netconsole.ts';

const INFO = 6;
const WARNING = 4;
const ALERT = 1;
const EMERGENCY = 0;
const FIRST_UPTIME_US = 1_234_567;
/** What printk keeps of a message. */
const MOST_TEXT = 1023;

const FUNCTIONS = [
  'mlx5e_poll_rx_cq',
  'mlx5e_napi_poll',
  'napi_complete_done',
  '__napi_poll',
  'net_rx_action',
  '__do_softirq',
  '__irq_exit_rcu',
  'common_interrupt',
  'asm_common_interrupt',
  'nf_hook_slow',
  'ip_local_deliver_finish',
  'tcp_v4_rcv',
  'tcp_rcv_established',
  '__netif_receive_skb_list_core',
  'kmem_cache_free',
  'skb_release_data',
] as const;
const MODULES =
  'xt_conntrack nf_nat nf_conntrack nf_defrag_ipv6 nf_defrag_ipv4 overlay bridge stp llc bonding tls rpcrdma rdma_ucm ib_srpt ib_isert iscsi_target_mod target_core_mod ib_iser libiscsi scsi_transport_iscsi rdma_cm iw_cm ib_cm intel_rapl_msr intel_rapl_common skx_edac nfit libnvdimm x86_pkg_temp_thermal intel_powerclamp coretemp kvm_intel kvm irqbypass ghash_clmulni_intel sha512_ssse3 sha256_ssse3 aesni_intel crypto_simd cryptd mlx5_ib ib_uverbs ib_core ipmi_ssif mgag200 drm_shmem_helper drm_kms_helper mei_me mei ioatdma i2c_i801 lpc_ich wmi acpi_ipmi ipmi_si ipmi_devintf ipmi_msghandler acpi_power_meter drm fuse configfs ip_tables x_tables autofs4 ext4 crc16 mbcache jbd2 raid10 raid456 libcrc32c raid1 raid0 md_mod mlx5_core mlxfw psample nvme nvme_core t10_pi ahci libahci libata tg3 libphy dca crc32_pclmul crc32c_intel megaraid_sas scsi_mod scsi_common i40e ice gnss bnxt_en ixgbe xfrm_algo mdio vxlan ip6_udp_tunnel udp_tunnel nft_compat nf_tables nfnetlink tcp_bbr sch_fq'.split(
    ' ',
  );

/** Records without end, numbered from `seq` on: a line or two of small talk after another, and a report now and then. */
export function* kernelRecords(seed: number, seq = 1): Generator<LogRecord, never> {
  const random = new Random();
  random.begin(seed, 0);
  let uptimeUs = FIRST_UPTIME_US;
  for (;;) {
    const report = random.below(64) === 0;
    for (const [priority, text] of report ? oops(random) : smallTalk(random)) {
      uptimeUs += report ? 20 + random.below(200) : 1000 + random.below(2_000_000);
      yield { priority, text, seq: seq++, uptimeUs };
    }
  }
}

/**
 * A log of exactly so many bytes that ends with a panic. It begins in the middle of a line, as one does whose beginning has
 * been overwritten.
 */
export function kernelLog(seed: number, bytes: number): Uint8Array {
  const random = new Random();
  random.begin(seed, 1);
  const report = [...oops(random), ...panic(random)];
  const reportBytes = report.reduce((sum, [, text]) => sum + text.length, 0);
  let text = '';
  let uptimeUs = FIRST_UPTIME_US;
  for (const record of kernelRecords(seed)) {
    if (text.length + reportBytes >= bytes) break;
    text += basicText(record);
    uptimeUs = record.uptimeUs;
  }
  for (const [priority, line] of report) {
    uptimeUs += 20 + random.below(200);
    text += basicText({ priority, text: line, seq: 0, uptimeUs });
  }
  return new TextEncoder().encode(text.slice(text.length - bytes));
}

type Line = readonly [priority: number, text: string];

function smallTalk(random: Random): Line[] {
  const number = (below: number) => random.below(below);
  const choices: readonly (() => Line[])[] = [
    () => [[INFO, `mlx5_core 0000:3b:00.${number(2)} ens1f${number(2)}np0: Link up`]],
    () => [[INFO, `nvme nvme${number(4)}: ${number(64)}/0/0 default/read/poll queues`]],
    () => [
      [
        WARNING,
        `TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:${number(65536)}. Sending cookies.`,
      ],
    ],
    () => [
      [
        INFO,
        `audit: type=1400 audit(${1_760_000_000 + number(1e7)}.${number(1000)}:${number(1e5)}): apparmor="ALLOWED" operation="open" class="file" profile="/usr/sbin/sssd" name="/proc/${number(1e5)}/cmdline" pid=${number(1e5)} comm="sssd" requested_mask="r" denied_mask="r" fsuid=0 ouid=0`,
      ],
    ],
    () => [[INFO, `EXT4-fs (md${number(8)}): mounted filesystem with ordered data mode. Quota mode: none.`]],
    () => [
      [
        WARNING,
        `perf: interrupt took too long (${2500 + number(5000)} > ${2500 + number(5000)}), lowering kernel.perf_event_max_sample_rate to ${number(1e5)}`,
      ],
    ],
    () => [
      [WARNING, `nf_conntrack: nf_conntrack: table full, dropping packet`],
      [WARNING, `net_ratelimit: ${number(9999)} callbacks suppressed`],
    ],
    () => [
      [
        INFO,
        `usb ${number(4)}-${number(8)}: New USB device found, idVendor=${hex(random, 4)}, idProduct=${hex(random, 4)}, bcdDevice= ${number(10)}.00`,
      ],
    ],
  ];
  return choices[number(choices.length)]!();
}

function oops(random: Random): Line[] {
  const address = hex(random, 16).replace(/^.{12}/, '000000000000');
  const registers = ['RAX', 'RBX', 'RCX', 'RDX', 'RSI', 'RDI', 'RBP', 'R08', 'R09', 'R10', 'R11', 'R12'];
  const threes = [0, 3, 6, 9].map((i) =>
    registers
      .slice(i, i + 3)
      .map((name) => `${name}: ${hex(random, 16)}`)
      .join(' '),
  );
  const depth = 4 + random.below(9);
  const texts = [
    `BUG: kernel NULL pointer dereference, address: ${address}`,
    '#PF: supervisor read access in kernel mode',
    '#PF: error_code(0x0000) - not-present page',
    'PGD 0 P4D 0 ',
    `Oops: 0000 [#1] PREEMPT SMP NOPTI`,
    `CPU: ${random.below(64)} PID: ${random.below(100_000)} Comm: nginx Tainted: G        W          6.1.0-18-amd64 #1  Debian 6.1.76-1`,
    'Hardware name: Dell Inc. PowerEdge R640/0W23H8, BIOS 2.19.1 06/04/2023',
    `RIP: 0010:${place(random, 'mlx5e_poll_rx_cq')} [mlx5_core]`,
    `Code: ${Array.from({ length: 64 }, (_, i) => (i === 42 ? `<${hex(random, 2)}>` : hex(random, 2))).join(' ')}`,
    `RSP: 0018:ffff${hex(random, 12)} EFLAGS: 00010246`,
    ...threes,
    'Call Trace:',
    ' <IRQ>',
    ...Array.from({ length: depth }, () => ` ${random.below(4) === 0 ? '? ' : ''}${place(random)}`),
    ' </IRQ>',
    `Modules linked in: ${MODULES.slice(random.below(8)).join(' ')}`.slice(0, MOST_TEXT),
    `CR2: ${address}`,
    '---[ end trace 0000000000000000 ]---',
  ];
  return texts.map((text, i) => [i < 3 ? ALERT : WARNING, text]);
}

function panic(random: Random): Line[] {
  return [
    [EMERGENCY, 'Kernel panic - not syncing: Fatal exception in interrupt'],
    [
      EMERGENCY,
      `Kernel Offset: 0x${hex(random, 7)}0 from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)`,
    ],
    [EMERGENCY, '---[ end Kernel panic - not syncing: Fatal exception in interrupt ]---'],
  ];
}

/** A function, the offset in it and its length, as the kernel prints addresses. */
function place(random: Random, name: string = FUNCTIONS[random.below(FUNCTIONS.length)]!): string {
  const length = 0x40 + random.below(0xc00);
  return `${name}+0x${random.below(length).toString(16)}/0x${length.toString(16)}`;
}

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => random.below(16).toString(16)).join('');
}
