/** Real crashes of Debian's kernels, by every way on which a log comes: each has one title and one signature. */

import { describe, expect, it } from 'vitest';
import { extendedDatagrams, type LogRecord } from '../../test/load/netconsole.ts';
import { netoopsDatagrams, segmentsOf } from '../../test/load/netoops.ts';
import { type Capture, readCapture } from '../../test/vm/captures.ts';
import {
  type CrashLog,
  groupPstore,
  HEAD_BYTES,
  type HeardCrash,
  type HeardEvents,
  joinPstore,
  markedText,
  NetconsoleReassembly,
  NetoopsReassembly,
  type Reassembly,
  type Report,
  readCrash,
} from '../index.ts';

const SECOND_US = 1_000_000;
const MIB = 1024 * 1024;
const sender = { a: 0, b: 0, c: 0xffff, d: 0xc0a84d02, stream: 0 };
const options = {
  limits: { senders: 16, newSendersPerS: 1e9, senderPerS: 1e9, senderBurst: 1e9, totalPerS: 1e9 },
  ...{ maxBytes: 4 * MIB, maxLogBytes: MIB, contextBytes: MIB },
  ...{ quietUs: 5 * SECOND_US, keepUs: 10 * SECOND_US, longestUs: 120 * SECOND_US },
  isKnown: () => false,
  seed: 1,
};
const events: HeardEvents = { began() {}, lost: () => expect.unreachable() };

function heard(reassembly: Reassembly, datagrams: readonly Uint8Array[]): CrashLog[] {
  for (const [i, datagram] of datagrams.entries()) {
    const bytes = Buffer.from(datagram);
    reassembly.take(sender, bytes, 0, bytes.length, SECOND_US + i);
  }
  return reassembly.settleAll(() => true).map((crash: HeardCrash) => crash.assemble());
}

function read(log: CrashLog): Report | null {
  const { text, marks } = markedText(log);
  return readCrash(text, marks);
}

function told({ console }: Capture): string {
  return console.replaceAll('\r', '');
}

/** By netconsole's two targets, as they were sent; and by the extended one with so much on each line that it is cut up. */
function netconsole(capture: Capture): CrashLog[] {
  const records = told(capture)
    .split('\n')
    .flatMap((line, seq): LogRecord[] => {
      const [, seconds = '', micros = '', text] = /^\[ *(\d+)\.(\d{6})\] (.*)$/.exec(line) ?? [];
      if (text === undefined) return [];
      const modules = text.startsWith('Modules linked in:') ? ' a_module_of_many'.repeat(48) : '';
      const uptimeUs = Number(seconds) * SECOND_US + Number(micros);
      return [{ text: text + modules, priority: 4, seq, uptimeUs }];
    });
  const userdata = [['rack', 'r12'.repeat(60)]] as const;
  const fragmented = records.flatMap((record) => extendedDatagrams(record, { userdata }));
  expect(fragmented.length).toBeGreaterThan(records.length);
  const sent = capture.datagrams.map(({ data }) => data);
  return [
    ...heard(new NetconsoleReassembly(options, events), sent),
    ...heard(new NetconsoleReassembly(options, events), fragmented),
  ];
}

/** By netoops, of which only a few datagrams came: the older part of the log has holes. */
function netoops(capture: Capture): CrashLog[] {
  const log = Buffer.from(told(capture));
  const format = { version: 2 } as const;
  const dump = { segments: segmentsOf(log, 4096), kernelVersion: '6.1.0', seconds: 77, format };
  const datagrams = netoopsDatagrams({ ...dump, transmissions: 1 });
  const logs = heard(
    new NetoopsReassembly(options, events),
    datagrams.filter((_, i) => i < 16 || i % 3 !== 0),
  );
  expect(logs[0]?.holes.length).toBeGreaterThan(3);
  return logs;
}

function pstore(capture: Capture): CrashLog[] {
  const files = capture.pstore.map(({ name, mtime_us, data }) => ({
    ...{ name, mtimeUs: mtime_us, head: data.subarray(0, HEAD_BYTES), size: data.length, data },
  }));
  return groupPstore(files).map(({ parts }) =>
    joinPstore(parts.map(({ number, file }) => ({ number, bytes: file.data }))),
  );
}

describe.each([
  ['panic', 'kernel panic: sysrq triggered crash', [2, 1]],
  ['null-dereference', 'BUG: unable to handle kernel NULL pointer dereference in queue_length', [2, 2]],
  ['soft-lockup', 'BUG: soft lockup in provoke', [2, 1]],
  ['warning', 'WARNING in provoke', [2, 0]],
] as const)('a %s', (trouble, title, [sent, kept]) => {
  it.each(['6.1', '6.12'] as const)(
    'of Linux %s is one, by netoops with holes, netconsole in fragments and pstore',
    async (kernel) => {
      const capture = await readCapture(`${kernel}-${trouble}`);
      const ways = { netconsole: netconsole(capture), netoops: netoops(capture), pstore: pstore(capture) };
      const reports = Object.entries(ways).map(([way, logs]) => [
        way,
        logs.map(read).map((report) => report?.title),
      ]);
      expect(Object.fromEntries(reports)).toEqual({
        netconsole: Array(sent + 1).fill(title),
        netoops: [title],
        pstore: Array(kept).fill(title),
      });
      const signatures = Object.values(ways)
        .flat()
        .map((log) => read(log)?.signature);
      expect([...new Set(signatures)]).toEqual([readCrash(told(capture))?.signature]);
    },
  );

  it('has one signature on both kernels', async () => {
    const signatures = await Promise.all(
      ['6.1', '6.12'].map(
        async (kernel) => readCrash(told(await readCapture(`${kernel}-${trouble}`)))?.signature,
      ),
    );
    expect(signatures[0]).toMatch(/^1:[0-9a-f]{16}$/);
    expect(signatures[1]).toBe(signatures[0]);
  });
});
