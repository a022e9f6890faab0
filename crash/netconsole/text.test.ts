import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  basicText,
  type ExtendedTarget,
  extendedDatagrams,
  type LogRecord,
} from '../../test/load/netconsole.ts';
import { NetconsolePacket } from './packet.ts';
import type { Recorded } from './tape.ts';
import { basicLog, extendedLog } from './text.ts';

const packet = new NetconsolePacket();

function recorded(datagram: Uint8Array): Recorded {
  expect(packet.read(datagram, 0, datagram.length)).toBe(true);
  const { seq, uptimeUs, fragmentOffset, fragmentLength, bodyStart, bodyEnd } = packet;
  return {
    seq,
    uptimeUs,
    fragmentOffset,
    fragmentLength,
    body: Buffer.from(datagram.subarray(bodyStart, bodyEnd)),
  };
}

function text(log: { readonly bytes: Uint8Array }): string {
  return Buffer.from(log.bytes).toString();
}

const printable = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 300 });
const anyText = fc.oneof(
  printable,
  fc.string({ unit: 'grapheme-composite', minLength: 1, maxLength: 100 }),
  fc.array(printable, { minLength: 2, maxLength: 3 }).map((lines) => lines.join('\n')),
  fc.string({ unit: 'grapheme-ascii', minLength: 900, maxLength: 1020 }),
);
const anyRecords = fc
  .array(fc.tuple(anyText, fc.nat(2_000_000), fc.nat(191)), { minLength: 1, maxLength: 12 })
  .map((lines) =>
    lines.map(
      ([line, uptimeUs, priority], i): LogRecord => ({ text: line, uptimeUs, priority, seq: 100 + i }),
    ),
  );
const anyTarget: fc.Arbitrary<ExtendedTarget> = fc.record({
  release: fc.constantFrom('', '6.12.57+deb12-amd64'),
  userdata: fc.constantFrom<[string, string][]>([], [['rack', 'r12']], [['a', 'x'.repeat(200)]]),
});

describe('extended messages', () => {
  it('are the lines that the console printed, in order, whatever is repeated and reordered', () => {
    fc.assert(
      fc.property(
        fc.tuple(anyRecords, anyTarget).chain(([records, target]) => {
          const datagrams = records.flatMap((record) => extendedDatagrams(record, target));
          return fc.tuple(
            fc.constant(records),
            fc.shuffledSubarray(datagrams, { minLength: datagrams.length }),
            fc.shuffledSubarray(datagrams),
          );
        }),
        ([records, each, again]) => {
          const log = extendedLog([...each, ...again].map(recorded), 0);
          expect(text(log)).toBe(records.map((record) => basicText(record)).join(''));
          expect(log).toMatchObject({ holes: [], wrapAt: 0, lostMessages: 0 });
        },
      ),
    );
  });

  it('say where messages are missing that the sender numbered, and how many', () => {
    fc.assert(
      fc.property(
        anyRecords.chain((records) => {
          return fc.tuple(
            fc.constant(records),
            fc.subarray(records, { minLength: 1 }),
            fc.constantFrom(1, 4_294_967_290),
          );
        }),
        ([records, kept, first]) => {
          const came = kept.flatMap((record) => {
            const msgid = (first + records.indexOf(record)) % 2 ** 32;
            return extendedDatagrams(record, { userdata: [['msgid', String(msgid)]] });
          });
          const log = extendedLog(came.map(recorded), Number.POSITIVE_INFINITY);
          const places = kept.map((record) => records.indexOf(record));
          const lines = kept.map((record) => Buffer.from(basicText(record)));
          const holes = places.flatMap((place, i) => {
            if (i === 0 || place === places[i - 1]! + 1) return [];
            return [{ at: Buffer.concat(lines.slice(0, i)).length, bytes: 0, exact: false }];
          });
          expect(log.holes).toEqual(holes);
          expect(log.lostMessages).toBe(places.at(-1)! - places[0]! + 1 - places.length);
          expect(text(log)).toBe(Buffer.concat(lines).toString());
        },
      ),
    );
  });

  it('say where fragments of a message are missing, and how much of it at most', () => {
    fc.assert(
      fc.property(
        // A letter after the other, so that what is put back in the wrong place does not fit.
        fc
          .integer({ min: 980, max: 1020 })
          .map((length) => 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(29).slice(0, length)),
        fc.constantFrom<[string, string][]>([], [['a', 'x'.repeat(200)]]),
        fc.infiniteStream(fc.boolean()),
        (line, userdata, chance) => {
          const record: LogRecord = { text: line, uptimeUs: 1_500_000, priority: 4, seq: 7 };
          const datagrams = extendedDatagrams(record, { userdata });
          const came = datagrams.filter(() => chance.next().value);
          if (came.length === 0) return;
          const log = extendedLog(came.map(recorded), 0);
          // With what is missing put back it is the line.
          const stamp = '[    1.500000] ';
          let whole = '';
          let from = 0;
          for (const { at, bytes } of log.holes) {
            whole += text(log).slice(from, at);
            whole += `${stamp}${line}`.slice(whole.length, whole.length + bytes);
            from = at;
          }
          whole += text(log).slice(from);
          expect(whole).toBe(`${stamp}${line}\n`);
          expect(log.holes.length > 0).toBe(
            datagrams.some(
              (each) =>
                !came.includes(each) &&
                packet.read(each, 0, each.length) &&
                packet.fragmentOffset < line.length,
            ),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it('without numbers have holes where the sequence has gaps behind the trouble, since those before it may be filtered', () => {
    const at = (seq: number, uptimeUs: number) => {
      return recorded(Buffer.from(`6,${seq},${uptimeUs},-;message ${seq}\n`));
    };
    const log = extendedLog([at(1, 1), at(3, 3_000_000), at(4, 4_000_000), at(9, 9_000_000)], 4_000_000);
    expect(text(log)).toBe(
      '[    0.000001] message 1\n[    3.000000] message 3\n[    4.000000] message 4\n[    9.000000] message 9\n',
    );
    expect(log.holes).toEqual([{ at: 75, bytes: 0, exact: false }]);
    expect(log.lostMessages).toBe(0);
  });
});

describe('basic messages', () => {
  it('are the text as it came', () => {
    const bodies = ['[    1.000000] one', ' line\n[    2.0000', '00] two\n'];
    const log = basicLog(bodies.map((body) => recorded(Buffer.from(body))));
    expect(text(log)).toBe('[    1.000000] one line\n[    2.000000] two\n');
    expect(log).toMatchObject({ holes: [], lostMessages: 0 });
  });
});
