/**
 * Logs of crashes through the parser of reports: what it reads, that it reads the same of the same log in other clothes, and
 * that collectors take it. An input is a log; a line of it that is only "~" stands where something is missing.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { findingsOf } from '../../../agent/sources/findings.ts';
import { type Report, readCrash, signatureOf } from '../../../crash/index.ts';
import { readingOf } from '../../../proto/index.ts';
import { crashBeginnings } from '../../load/crash-beginnings.ts';
import { checkReport } from '../host-crash.ts';
import { digest, must, type Target } from '../target.ts';

const HOLE = '~';
const FIXTURES = join(import.meta.dirname, '../../fixtures/crashes');
const FIXTURE_CHARACTERS = 2000;
/** Lines of a fixture's log before the crash. */
const FIXTURE_BEFORE = 3;

const X86 = `CPU: 1 UID: 0 PID: 77 Comm: sh Tainted: G        W  OE      6.12.9-amd64 #1  Debian 6.12.9-1
Hardware name: QEMU Standard PC
RIP: 0010:skb_release_data.constprop.0+0x12/0x34 [bonding]
Code: 90 <0f> 0b 90
RAX: 0000000000000001 RBX: ffff888012345678 CR2: 0000000000000040
Call Trace:
 <TASK>
 ? __schedule+0x12/0x34
 _raw_spin_lock+0x12/0x34
 kfree+0x12/0x34
 bond_open+0x12/0x34 [bonding 1234567890abcdef]
 dev_ioctl+0x12/0x34
 do_syscall_64+0x12/0x34
 </TASK>
Modules linked in: bonding(OE) tls
---[ end trace 0000000000000000 ]---
Kernel panic - not syncing: Fatal exception
Rebooting in 1 seconds..`;

const ARM64 = `CPU: 0 PID: 77 Comm: kworker/0:1 Not tainted 6.1.0-18-arm64 #1
pc : queue_work_on+0x12/0x34
lr : _RNvNtCs1_6kernel3net4open+0x12/0x34
x29: ffff80000a3bbd50 x28: 0000000000000000
Call trace:
 queue_work_on+0x12/0x34
 _RNvNtCs1_6kernel3net4open+0x12/0x34
 el0t_64_sync+0x12/0x34
[<8010e300>] (show_stack) from [<8018de80>] (dev_open+0x18/0x1c)
~
Code: aa1e03e9 (d4210000)`;

const SYMBOLISED = `Call Trace:
 __dump_stack lib/dump_stack.c:88 [inline]
 dump_stack_lvl+0x12/0x34 lib/dump_stack.c:106
 __mutex_lock+0x12/0x34 kernel/locking/mutex.c:747
 tun_chr_close+0x12/0x34 drivers/net/tun.c:3390

Allocated by task 77:
 kmalloc include/linux/slab.h:590 [inline]
 tun_alloc+0x12/0x34 drivers/net/tun.c:12

-> #0 (rtnl_mutex){+.+.}-{3:3}:
 rtnl_lock+0x12/0x34 net/core/rtnetlink.c:72
Showing all locks held in the system:
1 lock held by sh/77:`;

const INTERRUPTED = `Call Trace:
 <IRQ>
 watchdog_timer_fn+0x12/0x34
 asm_sysvec_apic_timer_interrupt+0x12/0x34
 </IRQ>
RIP: 0010:_raw_spin_unlock_irq+0x12/0x34
 process_one_work+0x12/0x34
 <ffffffff81000000> ? ret_from_fork+0x12/0x34
 [<ffffffff81000000>] kthread+0x12/0x34
RIP: 0033:0x7f430413d350
INFO: task kworker/1:1:46 blocked for more than 120 seconds.
 entry_SYSCALL_64_after_hwframe+0x76/0x7e`;

const BODIES = [X86, ARM64, SYMBOLISED, INTERRUPTED];

/** What stands before a message, by where the log comes from. */
const PREFIXES: readonly ((i: number) => string)[] = [
  (i) => `[   12.${345678 + i}] `,
  (i) => `[   12.${345678 + i}][  T77] `,
  (i) => `<4>[   12.${345678 + i}][   C1] `,
  () => 'Nov 28 12:00:01 host-1 kernel: ',
  (i) => `Nov 28 12:00:01 host-1 kernel: [   12.${345678 + i}] `,
  () => '2026-11-28T12:00:01.123456+00:00 host-1 kern.err kernel: ',
  (i) => `6,${100 + i},${12_345_678 + i},-,caller=T77;`,
  (i) => `kern  :info  : [Sat Nov 28 12:00:0${i % 10} 2026] `,
  (i) => `\x1b[32m[   12.${345678 + i}] \x1b[0m`,
  () => '',
  (i) => `host-1 login: [   12.${345678 + i}] `,
];

function prefixed(text: string, prefix: (i: number) => string): string {
  return text
    .split('\n')
    .map((line, i) => (line === HOLE ? line : `${prefix(i)}${line}`))
    .join('\n');
}

function fixture(name: string): string {
  const log = gunzipSync(readFileSync(join(FIXTURES, `${name}.console.txt.gz`))).toString();
  const from = Math.max(0, (readCrash(log)?.start ?? 0) - FIXTURE_BEFORE);
  return log.split('\n').slice(from).join('\n').slice(0, FIXTURE_CHARACTERS);
}

const OOPS = 'BUG: kernel NULL pointer dereference, address: 0000000000000040\nCall Trace:\n';
const COUNT = Array.from({ length: 90 }, (_, i) => i);

/** Logs that have of everything as much as is read, and more. */
const FULL = [
  `BUG: ${'1 '.repeat(60)}`,
  `Kernel panic - not syncing: ${'1:2 '.repeat(50)}`,
  `WARNING: CPU: 1 PID: 7 at ${'net/'.repeat(70)}dev.c:1234 f+0x1/0x2\nModules linked in:${' m1(OE)'.repeat(520)}`,
  `BUG: ${'\u{1f4a5}'.repeat(90)}\n${OOPS} ${'f'.repeat(200)}+0x1/0x2\n`,
  `${OOPS}${COUNT.map((i) => ` f${i}+0x12/0x34 [m${i}]\n`).join('')}`,
  `${OOPS}${' kfree+0x12/0x34\n'.repeat(90)} bond_open+0x12/0x34\n`,
  `${OOPS}${COUNT.map((i) => ` _RIC1aTNvB3_${i % 10}bB${i % 10}_EE+0x1/0x2\n ? _ZN3fooE+0x1/0x2\n`).join('')}`,
  `${OOPS}${COUNT.map((i) => `x${i}: 00000000000000${10 + i} ${i % 3 === 0 ? '\n' : ''}`).join('')}`,
  `${OOPS}${COUNT.map((i) => `Call Trace:\n f${i}+0x1/0x2\n`).join('')}`,
  `${OOPS} bond_open+0x12/0x34\n${'BUG: spinlock bad magic on CPU#1, sh/77\n'.repeat(90)}`,
  `${'[    1.000000] BUG: scheduling while atomic: sh/77/0x00000002'.repeat(20)}\n`,
  `${OOPS}${`${HOLE}\n bond_open+0x12/0x34\n`.repeat(40)}`,
  `${'usb 1-1: new device\n'.repeat(12)}${OOPS} bond_open+0x12/0x34\n`,
];

export function corpus(): Uint8Array[] {
  const whole = crashBeginnings.map(([, text], i) =>
    prefixed(`${text}\n${BODIES[i % BODIES.length]}\n`, PREFIXES[i % PREFIXES.length]!),
  );
  const short = crashBeginnings.map(([, text], i) => prefixed(text, PREFIXES[(i + 1) % PREFIXES.length]!));
  const fixtures = ['6.1-warning', '6.1-soft-lockup', '6.12-panic', '6.12-null-dereference'].map(fixture);
  return [...whole, ...short, ...fixtures, ...FULL].map((text) => Buffer.from(text));
}

/** What a report has at most. */
const MOST = {
  title: 200,
  alternates: 8,
  frames: 64,
  modules: 512,
  registers: 64,
  before: 8,
  others: 64,
} as const;
const MOST_NAME = 200;
const MOST_TEXT = 1024;

/** One input in so many is looked at in that way, the first among them. */
const EVERY = { dressed: 8, entry: 16 } as const;

const CONTROL = /\p{Cc}/u;
const QUIET_LINES = 3;
const QUIET = '[    0.500000] usb 1-1: new high-speed USB device number 5 using xhci_hcd\n'.repeat(
  QUIET_LINES,
);

export function open(input: Uint8Array): Target {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length);
  const totals = { crashes: 0, corrupted: 0, 'with a place': 0, frames: 0, consequences: 0, 'other logs': 0 };
  let runs = 0;

  return {
    run(length) {
      const text = bytes.toString('utf8', 0, length);
      const lines = text.split('\n');
      const holes = [...lines.keys()].filter((line) => lines[line] === HOLE);
      const report = readCrash(text, holes);
      if (runs % EVERY.dressed === 0) checkDressed(report, text, holes);
      if (runs % EVERY.entry === 0) checkEntry(report, text);
      runs++;
      if (!report) {
        totals['other logs']++;
        return 0;
      }
      check(report, lines.length);
      totals.crashes++;
      totals.frames += report.frames.length;
      totals.consequences += report.consequences.length;
      if (report.corrupted !== '') totals.corrupted++;
      if (report.place !== '') totals['with a place']++;
      let sum = digest(digest(report.start, report.end), report.frames.length);
      for (let i = 0; i < report.signature.length; i++) sum = digest(sum, report.signature.charCodeAt(i));
      return sum;
    },
    bounds: () => [],
    counts: () => totals,
  };
}

/** What holds of every report. @param lines how many its log has */
function check(report: Report, lines: number): void {
  const { title, alternates, bug, place, signature, start, end, uptimeUs, before } = report;
  const { earlier, consequences } = report;
  must(title !== '' && bug !== '', 'no title');
  for (const text of [title, bug, ...alternates]) {
    must(text.length <= MOST.title, `a title of ${text.length} characters: ${text}`);
    must(text.isWellFormed(), `a title with half a character: ${JSON.stringify(text)}`);
    must(!CONTROL.test(text), `a title with control characters: ${JSON.stringify(text)}`);
  }
  must(/^\d+:[0-9a-f]{16}$/.test(signature), `no signature: ${signature}`);
  must(signature === signatureOf(report), 'the signature is not that of the report');
  must(0 <= start && start < end && end <= lines, `from ${start} to ${end} of ${lines} lines`);
  must(Number.isSafeInteger(uptimeUs) && uptimeUs >= 0, `an uptime of ${uptimeUs}`);
  must(alternates.length <= MOST.alternates, `${alternates.length} alternates`);
  must(before.length <= MOST.before, `${before.length} messages before`);
  must(earlier.length <= MOST.others, `${earlier.length} earlier ones`);
  must(consequences.length <= MOST.others, `${consequences.length} consequences`);
  for (const { line } of earlier) must(0 <= line && line < end, `an earlier one on line ${line}`);
  for (const { title, line } of consequences) {
    must(
      start <= line && line < lines,
      `a consequence on line ${line} of ${lines}, the report begins on ${start}`,
    );
    must(title !== '' && title.length <= MOST.title, `a consequence's title of ${title.length} characters`);
    must(!CONTROL.test(title), `a consequence's title with control characters: ${JSON.stringify(title)}`);
  }
  checkFrames(report);
  checkFacts(report);
  must(place.length <= 2 * MOST_NAME + 3, `a place of ${place.length} characters`);
}

function checkFrames({ frames, guilty, start, end }: Report): void {
  must(frames.length <= MOST.frames, `${frames.length} frames`);
  must(guilty === null || (guilty >= 0 && guilty < frames.length), `${guilty} of ${frames.length} frames`);
  let last = start - 1;
  for (const [i, { function: name, module, source, offset, line, passed }] of frames.entries()) {
    must(line >= last && line < end, `a frame on line ${line} behind ${last}, the report ends on ${end}`);
    last = line;
    must(name !== '' && name.length <= MOST_NAME, `a function's name of ${name.length} characters`);
    must(module.length <= MOST_NAME && source.length <= MOST_TEXT, 'a long module or source');
    must(offset === null || (Number.isInteger(offset) && offset >= 0), `an offset of ${offset}`);
    must(
      (passed !== '') === i < (guilty ?? 0),
      `frame ${i} is passed over: "${passed}", and ${guilty} is to blame`,
    );
  }
}

function checkFacts(report: Report): void {
  const { process, pid, cpu, kernel, taint, hardware, modules, registers, code, before } = report;
  for (const text of [process, kernel, taint.flags, hardware, code, ...before, ...taint.meanings])
    must(text.length <= MOST_TEXT, `a fact of ${text.length} characters`);
  for (const number of [pid, cpu])
    must(number === null || (Number.isSafeInteger(number) && number >= 0), `a process or a CPU ${number}`);
  must(modules.length <= MOST.modules, `${modules.length} modules`);
  const named = Object.entries(registers);
  must(named.length <= MOST.registers, `${named.length} registers`);
  for (const [name, value] of named)
    must(name.length + value.length <= MOST_TEXT, `a register of ${value.length} characters`);
}

/** The same log with other line ends, and among others' lines that say nothing. */
function checkDressed(report: Report | null, text: string, holes: readonly number[]): void {
  const returned = readCrash(text.replaceAll('\n', '\r\n'), holes);
  must(isDeepStrictEqual(returned, report), `with CRLF: ${JSON.stringify([report, returned])}`);
  const last = text === '' || text.endsWith('\n') ? '' : '\n';
  const shifted = holes.map((line) => line + QUIET_LINES);
  const among = readCrash(`${QUIET}${text}${last}${QUIET}`, shifted);
  if (!report) {
    // A boot is of interest only behind something else.
    must(among === null || among.type === 'reboot', `quiet lines make a crash: ${among?.title}`);
    return;
  }
  // What ends before it says all may go on with anything.
  if (report.corrupted !== '') return;
  const [told, toldAmong] = [contentOf(report), among && contentOf(among)];
  must(isDeepStrictEqual(told, toldAmong), `among quiet lines: ${JSON.stringify([told, toldAmong])}`);
  must(among?.start === report.start + QUIET_LINES, `it begins on ${among?.start}, not ${report.start}`);
}

/** A report but for where in its log it stands. */
function contentOf({ frames, earlier, consequences, ...report }: Report) {
  const lines = [...frames, ...earlier, ...consequences].map(({ line }) => line - report.start);
  const functions = frames.map((frame) => ({ ...frame, line: 0 }));
  const titles = [...earlier, ...consequences].map(({ title, type }) => ({ title, type }));
  return { ...report, start: 0, end: 0, before: [], lines, functions, titles };
}

/** An entry with what was read is one that collectors take. */
function checkEntry(report: Report | null, text: string): void {
  const log = Buffer.from(text);
  const known = { record: 'r', source: 'kmsg', firstUs: 1, lastUs: 1 };
  const findings = findingsOf(known, { bytes: log, holes: [], wrapAt: 0 });
  checkReport({ ...findings, reading: report && readingOf(report) }, log);
}
