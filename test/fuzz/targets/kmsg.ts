/**
 * Records of /dev/kmsg through the source kmsg, into witnesses, logs and reports. An input is records, each behind its length
 * of 16 bits; one without bytes stands for messages that were overwritten.
 */
import { KmsgSource } from '../../../agent/sources/kmsg/source.ts';
import { KmsgRecord, MOST_KMSG_BYTES, readLine } from '../../../crash/index.ts';
import { checkItem, checkReport, packPieces, piecesOf } from '../host-crash.ts';
import { digest, must, type Target } from '../target.ts';

const TEXTS = [
  'eth0: link up',
  '------------[ cut here ]------------',
  'WARNING: CPU: 1 PID: 77 at net/core/dev.c:1234 dev_queue_xmit+0x12/0x34',
  'BUG: kernel NULL pointer dereference, address: 0000000000000008',
  'watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [sh:77]',
  'INFO: task sh:23119 blocked for more than 120 seconds.',
  'BUG: sh[77]: segfault at 0',
  'two\\x0alines, \\x5c and \\xc3\\xa9',
  `Modules linked in: ${'netconsole '.repeat(80)}`,
];
/** The source tells nothing again of numbers that it told of: it is begun anew after so many runs. */
const RENEWED_EVERY = 32;
/** Of the agent's clock between two inputs. */
const STEP_US = 2_000_000;
/** Of history and of what comes from the first sign on, and a message more. */
const MOST_LOG_BYTES = 64 * 1024 + 512 * 1024 + 2 * MOST_KMSG_BYTES;

export function corpus(): Uint8Array[] {
  const records = TEXTS.flatMap((text, i) => [
    `4,${100 + i},${7_000_000 + 1_500_000 * i},-;${text}\n`,
    `4,${200 + i},${9_000_000 + i},-,caller=T12;${text}\n SUBSYSTEM=net\n DEVICE=n3\n`,
    `${8 + i},${300 + i},${9_000_000 + i},c;${text}\n`,
  ]);
  return [
    ...records.map((record) => packPieces(record)),
    packPieces(...records),
    packPieces(...records.slice(0, 9), '', ...records.slice(9)),
  ];
}

export function open(input: Uint8Array): Target {
  const record = new KmsgRecord();
  const lines = new Uint8Array(256);
  const totals = { records: 0, malformed: 0, witnesses: 0, reports: 0, overwritten: 0, limited: 0 };
  let waiting: Uint8Array[] = [];
  let nowUs = 1_700_000_000_000_000;
  let mostLog = 0;
  let source = begin();
  let runs = 0;

  function begin(): KmsgSource {
    const begun = new KmsgSource({
      root: '/nonexistent',
      maxRecordsPerHour: 100,
      nowUs: () => nowUs,
      urgent() {},
      data: undefined,
      open: () => ({ fd: undefined, read, close() {} }),
    });
    begun.start();
    return begun;
  }

  function read(into: Uint8Array): number {
    const next = waiting.shift();
    if (!next) return 0;
    if (next.length === 0) return -1;
    if (next.length > into.length) return -2;
    into.set(next);
    return next.length;
  }

  function collect(): void {
    source.collect({
      drop: () => must(false, 'a drop'),
      counter: () => must(false, 'a counter'),
      wantsSample: () => false,
      sample: () => must(false, 'a sample'),
      witness(crash_witness) {
        totals.witnesses++;
        checkItem({ crash_witness });
        return true;
      },
      crash(findings, log) {
        totals.reports++;
        mostLog = Math.max(mostLog, log.length);
        checkReport(findings, log);
        return true;
      },
      loss(hop, count) {
        must(Number.isSafeInteger(count) && count > 0, `lost ${count} at ${hop}`);
        if (hop === 'malformed') totals.malformed += count;
        else if (hop === 'rate_limited') totals.limited += count;
        else totals.overwritten = Math.min(Number.MAX_SAFE_INTEGER, totals.overwritten + count);
      },
    });
  }

  return {
    run(length) {
      let sum = 0;
      const pieces = [...piecesOf(input, length)];
      for (const piece of pieces) {
        if (!record.read(piece, piece.length)) continue;
        totals.records++;
        const { facility, seq, uptimeUs, textLength } = record;
        for (const value of [facility, seq, uptimeUs])
          must(Number.isSafeInteger(value) && value >= 0, `${value}`);
        const end = record.print(lines);
        const printed = Buffer.from(lines.buffer, 0, end).toString('latin1');
        must(printed.endsWith('\n'), 'the last line has no end');
        if (uptimeUs < 1e14)
          must(readLine(printed.split('\n')[0]!).uptimeUs === uptimeUs, 'another time is printed');
        for (const byte of record.text.subarray(0, textLength)) sum = digest(sum, byte);
        sum = digest(digest(digest(sum, facility), seq), uptimeUs + end);
      }
      // The source keeps none of these bytes, which change with the next run.
      waiting = pieces;
      nowUs += STEP_US;
      while (waiting.length > 0) collect();
      if (++runs % RENEWED_EVERY === 0) {
        source.finish();
        collect();
        source.stop();
        source = begin();
      }
      return sum;
    },
    settle: collect,
    bounds: () => [{ name: 'bytes of a log', value: mostLog, most: MOST_LOG_BYTES }],
    counts: () => totals,
    close: () => source.stop(),
  };
}
