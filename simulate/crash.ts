/** What a dying kernel writes, and what a parser reads off it. Must not know who hears it, or when. */
import { createHash } from 'node:crypto';
import { PARSER_VERSION, readCrash } from '@netfall/crash';
import { type CrashReport, type CrashWitness, readingOf } from '@netfall/proto';

/** A defect of a kernel or of a driver: where it shows. */
export interface Bug {
  readonly function: string;
  readonly module: string;
  /** Innermost first. */
  readonly callers: readonly string[];
}

export const BUGS: readonly Bug[] = [
  {
    function: 'mlx5e_poll_rx_cq',
    module: 'mlx5_core',
    callers: ['mlx5e_napi_poll', '__napi_poll', 'net_rx_action', 'handle_softirqs', '__irq_exit_rcu'],
  },
  {
    function: 'nvme_queue_rq',
    module: 'nvme',
    callers: ['blk_mq_dispatch_rq_list', '__blk_mq_sched_dispatch_requests', 'blk_mq_run_hw_queue'],
  },
  {
    function: 'tcp_shifted_skb',
    module: '',
    callers: ['tcp_sacktag_one', 'tcp_sacktag_walk', 'tcp_sacktag_write_queue', 'tcp_ack', 'tcp_v4_rcv'],
  },
  {
    function: 'ext4_mb_new_blocks',
    module: 'ext4',
    callers: ['ext4_ext_map_blocks', 'ext4_map_blocks', 'ext4_writepages', 'do_writepages'],
  },
];

/** One death of one host. Times are µs. */
export interface Death {
  readonly bug: Bug;
  readonly kernel: string;
  readonly product: string;
  readonly uptimeUs: number;
}

/** The first line, which the witness tells of. */
const FIRST_LINE = 'BUG: kernel NULL pointer dereference, address: 0000000000000018';

function logOf({ bug, kernel, product, uptimeUs }: Death): string {
  const where = (name: string) =>
    `${name}+0x1d4/0x7a0${bug.module && name === bug.function ? ` [${bug.module}]` : ''}`;
  const lines = [
    FIRST_LINE,
    '#PF: supervisor read access in kernel mode',
    '#PF: error_code(0x0000) - not-present page',
    'PGD 0 P4D 0',
    'Oops: 0000 [#1] PREEMPT SMP NOPTI',
    `CPU: 3 PID: 27 Comm: ksoftirqd/3 Not tainted ${kernel} #1`,
    `Hardware name: ${product}, BIOS 2.21.2 02/19/2024`,
    `RIP: 0010:${where(bug.function)}`,
    'Call Trace:',
    ' <TASK>',
    ...bug.callers.map((name) => ` ${where(name)}`),
    ' ret_from_fork_asm+0x1a/0x30',
    ' </TASK>',
    `---[ end trace 0000000000000000 ]---`,
    'Kernel panic - not syncing: Fatal exception in interrupt',
    '---[ end Kernel panic - not syncing: Fatal exception in interrupt ]---',
  ];
  return lines.map((line, i) => `[${stamp(uptimeUs + i * 40)}] ${line}\n`).join('');
}

function stamp(uptimeUs: number): string {
  return (uptimeUs / 1_000_000).toFixed(6).padStart(12);
}

/** What a relay says of it: at once, and when nothing more came. `first_us` is by the relay's clock. */
export function heardOf(
  death: Death,
  heard: { readonly record: string; readonly sender: string; readonly firstUs: number },
): { readonly witness: CrashWitness; readonly report: CrashReport } {
  const log = logOf(death);
  const read = readCrash(log);
  const witness = {
    record: heard.record,
    source: 'netoops',
    sender: heard.sender,
    first_us: heard.firstUs,
    kernel: death.kernel,
    boot_id: '',
    kind: 'oops',
    line: FIRST_LINE,
    uptime_us: death.uptimeUs,
  };
  const report = {
    witness,
    revision: 1,
    last_us: heard.firstUs + 800_000,
    last_uptime_us: death.uptimeUs + 800,
    digest: createHash('sha256').update(log).digest('hex'),
    bytes: log.length,
    complete: true,
    holes: [],
    unlisted_holes: 0,
    wrap_at: 0,
    parts: 1,
    duplicates: 0,
    lost_messages: 0,
    hardware: '',
    reading: read && readingOf(read),
    parser_version: PARSER_VERSION,
  };
  return { witness, report };
}

/** The signature that every collector finds for a bug. Throws when its log cannot be read, which no bug's does. */
export function signatureOfBug(bug: Bug): string {
  const read = readCrash(logOf({ bug, kernel: '6.1.0', product: 'Any', uptimeUs: 1_000_000 }));
  if (!read) throw new Error(`no crash is read off the log of ${bug.function}`);
  return read.signature;
}
