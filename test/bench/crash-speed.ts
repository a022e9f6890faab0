/**
 * How long it takes to read a crash off a log: off those that hosts write, and off those that were made to take long. Scores
 * of what is read are crash-titles.ts's business.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readCrash } from '@netfall/crash';
import { crashBeginnings } from '../load/crash-beginnings.ts';
import { measured, type Result } from './result.ts';

const LARGE = 1 << 20;
const SMALL = 1 << 16;
const GOAL = { ms: '<=100', slope: '<=2' } as const;
/** What is measured at once, milliseconds: the thread's time is told no more exactly than to some of them. */
const LEAST = 20;

const FIXTURES = join(import.meta.dirname, '../fixtures/crashes');
const MOST_NAME = 200;
const FRAME = '+0x12/0x34\n';

/** A log: what it begins with, and what is repeated behind that to fill it. */
interface Input {
  readonly name: string;
  readonly head?: string;
  readonly piece: string;
  /** Every other line is none, but stands where something is missing. */
  readonly holes?: boolean;
}

interface Cost {
  readonly name: string;
  /** Milliseconds of CPU time for 1 MiB. */
  readonly ms: number;
  /** Time a byte of 1 MiB against that of 64 KiB. */
  readonly slope: number;
}

const quiet = '[   12.345678] usb 1-1: new high-speed USB device number 5 using xhci_hcd\n';

const ordinary: readonly Input[] = [
  ...['null-dereference', 'panic', 'soft-lockup', 'warning'].map((crash) => ({
    name: `a console's log, ${crash}`,
    piece: gunzipSync(readFileSync(join(FIXTURES, `6.12-${crash}.console.txt.gz`))).toString(),
  })),
  { name: 'quiet lines', piece: quiet },
];

const OOPS = 'BUG: unable to handle page fault for address: 0\nCall Trace:\n';
/** What begins the reports whose stacks are gone through in different ways. */
const HEADS = {
  stack: OOPS,
  stall: 'watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [sh:77]\nCall Trace:\n',
  wait: 'INFO: task sh:77 blocked for more than 120 seconds.\nCall Trace:\n',
  lock: 'WARNING: possible recursive locking detected\nsh/77 is trying to acquire lock:\n(a), at: a+0x1/0x2\nCall Trace:\n',
  leak: 'BUG: memory leak\n  backtrace:\n',
  access: 'BUG: KMSAN: kernel-infoleak in f\n',
  caller: 'WARNING: CPU: 1 PID: 77 at net/core/dev.c:1 f+0x1/0x2\nCall Trace:\n',
} as const;

/** What names of helpers are made of, to be repeated: names that nearly are some. */
const PARTS = [
  '_',
  'a_',
  '__do_async_do_',
  '_raw_raw_spin_',
  '_rcu_read_lock_',
  'print_show_dump_',
  '_alloc_pages_',
  'kmem_cache_alloc_',
  '_memcpy_str',
  '_arch_atomic64_',
  'test_and_set_bit_',
  'wait_for_completion_',
  'schedule_timeout_',
  'sys_ioctl_',
  '_get_put_user_',
  'try_to_del_timer_',
  'crypto_cipher_decrypt_',
  'synchronize_rcu_',
  '.isra.constprop',
  '.0.1',
  '$',
];

/** Names in other languages that refer back to what stood before, as deep as it goes. */
const MANGLED = [
  `_RNvC4core${'3foo'.repeat(40)}`,
  `_R${'NvNv'.repeat(45)}C1a`,
  `_RIC1aT${'B3_'.repeat(60)}EE`,
  `_RIC1aTmm${Array.from({ length: 20 }, (_, i) => `TB${(4 + i).toString(36)}_B${(4 + i).toString(36)}_E`).join('')}EE`,
  `_ZN${'1a'.repeat(90)}E`,
  `_ZN${'99a'.repeat(60)}`,
];

function repeated(part: string, length: number): string {
  return part.repeat(Math.ceil(length / part.length)).slice(0, length);
}

function framesOf(names: readonly string[]): string {
  return names.map((name) => ` ${name}${FRAME}`).join('');
}

const longNames = PARTS.map((part) => `a${repeated(part, MOST_NAME - 3)}x`);

/** What may stand on a line so often that whoever looks for its end, or for what follows it, looks long. */
const CROWDED = [
  '[    1.000000]',
  '[   T1]',
  '\x1b[1;',
  '\x1b[0m',
  '<4>',
  ' ',
  '[',
  '((',
  '{+.+.}-',
  'Nov 28 12:00:00 host kernel: ',
  '2026-11-28T12:00:00+00:00 host kern.err kernel: ',
  '6,1,1,-,caller=T1;',
  'kern  :info  : ',
  'host login: ',
  '** 1 printk messages dropped ** ',
  'f+0x1/0x2 ',
  'f+0x1/0x2 [m] ',
  'RIP: 0010:f+0x1/0x2 ',
  'RAX: 0000000000000001 ',
  'CPU: 1 PID: 77 Comm: ',
  'CPU: 1 PID: 77 Comm: sh Tainted: G W ',
  'Modules linked in: m(OE) ',
  '[<ffffffff81000000>] ? ',
  'net/core/dev.c:12 ',
  '1.2.3.4 0x12 cpu 1 ',
  'x: WARNING: ',
];

const adversarial: readonly Input[] = [
  { name: 'one endless line', piece: 'a' },
  { name: 'one endless line of a crash', head: 'BUG: ', piece: '1 ' },
  { name: 'one endless line of stamps', piece: '[    1.000000]' },
  { name: 'empty lines', piece: '\n' },
  { name: 'lines of one letter', piece: 'a\n' },
  { name: 'lines of stamps alone', piece: '[    1.000000]\n' },
  {
    name: 'line separators in a report of the slab allocator',
    piece: `BUG a (b${'): '.repeat(18)}x 0x${'a'.repeat(3900)}\u2028z\n`,
  },
  { name: 'frames of no report', piece: framesOf(['f']) },
  { name: 'traces without frames', head: OOPS, piece: 'Call Trace:\n' },
  { name: 'traces of one frame', head: OOPS, piece: `Call Trace:\n${framesOf(['f'])}` },
  { name: 'inlined frames', head: OOPS, piece: ' f net/core/dev.c:12 [inline]\n' },
  {
    name: 'stack of two',
    head: 'BUG: TASK stack guard page was hit\nCall Trace:\n',
    piece: framesOf(['f', 'g']),
  },
  { name: 'holes between frames', head: OOPS, piece: `${framesOf(['f'])}\n`, holes: true },
  { name: 'holes between quiet lines', piece: `${quiet}\n`, holes: true },
  { name: 'two writers', head: '[    1.000000][   T1] BUG: f\n', piece: '[    1.000000][   T2] f\n' },
  { name: 'boots', piece: 'Linux version 6.12.0 (gcc)\n' },
  { name: 'all beginnings in turn', piece: crashBeginnings.map(([, text]) => `${text}\n`).join('') },
  ...Object.entries(HEADS).flatMap(([way, head]) => [
    { name: `frames, ${way}`, head, piece: framesOf(['f']) },
    { name: `frames of helpers, ${way}`, head, piece: framesOf(['schedule', 'kfree', '_raw_spin_lock']) },
    { name: `frames that may not be, ${way}`, head, piece: ` ? f${FRAME}` },
    { name: `frames of long names, ${way}`, head, piece: framesOf(longNames) },
    { name: `frames of mangled names, ${way}`, head, piece: framesOf(MANGLED) },
  ]),
  ...longNames.map((name, i) => ({
    name: `frames of ${PARTS[i]}`,
    head: HEADS.stall,
    piece: framesOf([name]),
  })),
  ...MANGLED.map((name) => ({ name: `frames of ${name.slice(0, 16)}`, head: OOPS, piece: framesOf([name]) })),
  ...CROWDED.flatMap((part) => [
    { name: `lines of ${JSON.stringify(part)}`, piece: `${repeated(part, 4000)}\n` },
    { name: `report of lines of ${JSON.stringify(part)}`, head: OOPS, piece: `${repeated(part, 4000)}\n` },
  ]),
  ...crashBeginnings.flatMap(([, text]) => {
    const line = text.split('\n', 1)[0]!;
    const words = line.split(' ').slice(0, 3).join(' ');
    return [
      { name: `reports: ${line.slice(0, 48)}`, piece: `${text}\n` },
      { name: `lines of its first words: ${line.slice(0, 48)}`, piece: `${repeated(`${words} `, 4000)}\n` },
    ];
  }),
];

/** @param runs of which the median counts @param say is told the figures of every log */
export function crashSpeed(runs: number, say: (line: string) => void): readonly Result[] {
  const costsOf = (inputs: readonly Input[]) =>
    inputs.map((input) => {
      const cost = costOf(input, runs);
      say(`${cost.ms.toFixed(1).padStart(8)} ms, slope ${cost.slope.toFixed(2)}: ${cost.name}`);
      return cost;
    });
  const usual = costsOf(ordinary);
  const made = costsOf(adversarial);
  return [
    worst('1 MiB of a usual log, ms', usual, 'ms'),
    worst('time a byte, 1 MiB / 64 KiB, usual log', usual, 'slope'),
    worst('1 MiB of a made-up log, ms', made, 'ms'),
    worst('time a byte, 1 MiB / 64 KiB, made-up log', made, 'slope'),
  ];
}

function worst(metric: string, costs: readonly Cost[], of: 'ms' | 'slope'): Result {
  const most = costs.reduce((a, b) => (b[of] > a[of] ? b : a));
  return measured(`${metric} (worst: ${most.name})`, most[of], GOAL[of]);
}

/** Milliseconds for {@link LARGE} below which a clock tells nothing. */
const UNMEASURABLE_MS = 0.5;

function costOf(input: Input, runs: number): Cost {
  const large = reader(input, LARGE);
  const small = reader(input, SMALL);
  // The first time is the compiler's.
  large();
  const times = Math.ceil(LEAST / Math.max(1, timeOf(large, 1)));
  const [larges, smalls]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run++) {
    larges.push(timeOf(large, times) / times);
    smalls.push(timeOf(small, (times * LARGE) / SMALL) / times);
  }
  const [ms, smallMs] = [median(larges), median(smalls)];
  // What is passed over at a glance takes no time that could be measured.
  return { name: input.name, ms, slope: Math.max(ms, smallMs) < UNMEASURABLE_MS ? 0 : ms / smallMs };
}

function reader({ head = '', piece, holes }: Input, bytes: number): () => void {
  const text = head + repeated(piece, bytes - head.length);
  const lines = text.split('\n').length;
  const missing = holes ? Array.from({ length: lines >> 1 }, (_, i) => 2 * i + 1) : [];
  return () => readCrash(text, missing);
}

/** Milliseconds of this thread's own CPU time, which other work on the machine does not lengthen. */
function timeOf(read: () => void, times: number): number {
  const before = process.threadCpuUsage();
  for (let i = 0; i < times; i++) read();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
