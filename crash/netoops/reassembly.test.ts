import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Dump, type Format, netoopsDatagrams, segmentsOf } from '../../test/load/netoops.ts';
import type { HeardCrash } from '../heard.ts';
import type { Hole } from '../log.ts';
import type { SenderKey } from '../senders.ts';
import { type NetoopsOptions, NetoopsReassembly } from './reassembly.ts';

const PIECE = 1024;
const QUIET_US = 5_000_000;
const v2: Format = { version: 2 };
const all = () => true;

const formats: Format[] = [
  v2,
  { version: 2, headerSize: 300 },
  { version: 3, layout: 'plain' },
  { version: 3, layout: 'boot-id', bootId: 7 },
  { version: 3, layout: 'boot-id', machine: 'i386', bootId: 7 },
  { version: 3, layout: 'user-blob', bootId: 7 },
  { version: 3, layout: 'user-blob', machine: 'i386', bootId: 7 },
];

/** A reassembly, what it said had begun or was lost, and a clock. */
class Bed {
  readonly begun: HeardCrash[] = [];
  readonly lost: HeardCrash[] = [];
  readonly reassembly: NetoopsReassembly;
  nowUs = 1_000_000;

  constructor(options: Partial<NetoopsOptions> = {}) {
    const limits = { senders: 64, newSendersPerS: 1e9, senderPerS: 1e9, senderBurst: 1e9, totalPerS: 1e9 };
    const sizes = { maxBytes: 4 * 1024 * 1024, maxLogBytes: 1024 * 1024 };
    const times = { quietUs: QUIET_US, keepUs: 10_000_000, longestUs: 60_000_000 };
    this.reassembly = new NetoopsReassembly(
      { limits, ...sizes, ...times, isKnown: () => false, seed: 1, ...options },
      { began: (crash) => this.begun.push(crash), lost: (crash) => this.lost.push(crash) },
    );
  }

  send(datagrams: Iterable<Uint8Array>, from = sender(1)): void {
    for (const datagram of datagrams) {
      const bytes = Buffer.from(datagram);
      this.reassembly.take(from, bytes, 0, bytes.length, this.nowUs++);
    }
  }

  settle(): HeardCrash[] {
    return this.reassembly.settle(this.nowUs, all);
  }

  settleLater(): HeardCrash[] {
    this.nowUs += QUIET_US;
    return this.settle();
  }

  losses(): Record<string, number> {
    const losses: Record<string, number> = {};
    this.reassembly.takeLosses((hop, count) => {
      losses[hop] = count;
    });
    return losses;
  }
}

function sender(d: number): SenderKey {
  return { a: 0, b: 0, c: 0xffff, d, stream: 0 };
}

function dumpOf(log: Uint8Array, wrap: number, format: Format = v2): Dump {
  return { segments: segmentsOf(log, wrap), kernelVersion: '6.1.0-50-amd64', seconds: 1234, format };
}

/** Text: kernels print no zeros. */
const anyLog = (maxLength: number) =>
  fc
    .uint8Array({ minLength: 1, maxLength, max: 254 })
    .map((bytes) => Buffer.from(bytes.map((byte) => byte + 1)));
const anyDump = (maxLength: number) =>
  anyLog(maxLength).chain((log) =>
    fc.record({
      log: fc.constant(log),
      // Segments that are a multiple of a piece long are a case of their own.
      wrap: fc.oneof(
        fc.nat(log.length),
        fc.nat(Math.floor(log.length / PIECE)).map((pieces) => pieces * PIECE),
        fc.nat(Math.floor(log.length / PIECE)).map((pieces) => log.length - pieces * PIECE),
      ),
      format: fc.constantFrom(...formats),
    }),
  );

/** What must come out when only pieces of these numbers came: written down from what the driver does, piece by piece. */
function expected(log: Buffer, wrap: number, came: ReadonlySet<number>) {
  const pieces = (length: number) => Math.ceil(length / PIECE);
  const newer = pieces(log.length - wrap);
  const count = newer + pieces(wrap);
  // Where the newer segment is empty, the log ends where the buffer does, and no wrap is to be seen.
  const wrapIsSeen = wrap > 0 && newer > 0 && came.has(newer);
  const parts: Buffer[] = [];
  const holes: Hole[] = [];
  let at = 0;
  let wrapAt = 0;
  for (let no = count - 1; no >= 0; no--) {
    const [start, end] = no >= newer ? [0, wrap] : [wrap, log.length];
    const from = start + ((no >= newer ? count : newer) - 1 - no) * PIECE;
    const part = log.subarray(from, Math.min(from + PIECE, end));
    const isTail = no === 0 || no === newer;
    const isZeros = isTail && part.length === PIECE;
    if (came.has(no) && !isZeros) {
      parts.push(part);
      at += part.length;
    } else {
      const exact = came.has(no) || (no > 0 && wrapIsSeen);
      const last = holes.at(-1);
      if (last?.at === at)
        holes[holes.length - 1] = { at, bytes: last.bytes + PIECE, exact: last.exact && exact };
      else holes.push({ at, bytes: PIECE, exact });
    }
    if (no === newer && wrapIsSeen) wrapAt = at;
  }
  return { bytes: Buffer.concat(parts).toString('latin1'), holes, wrapAt };
}

function assembled(crash: HeardCrash | undefined) {
  const { bytes, holes, wrapAt } = crash!.assemble();
  return { bytes: Buffer.from(bytes).toString('latin1'), holes, wrapAt };
}

/** Its number stands at 14 in version 2 and at 16 in version 3. */
function numberOf(datagram: Uint8Array): number {
  const view = new DataView(datagram.buffer, datagram.byteOffset);
  return view.getUint32(view.getUint16(0, true) === 2 ? 14 : 16, true);
}

describe('a dump', () => {
  it('is the log, whatever is lost, repeated and reordered, but for holes that are said', () => {
    fc.assert(
      fc.property(
        anyDump(9 * PIECE).chain((dump) => {
          const datagrams = netoopsDatagrams(dumpOf(dump.log, dump.wrap, dump.format));
          return fc.record({
            ...{ log: fc.constant(dump.log), wrap: fc.constant(dump.wrap) },
            sent: fc.shuffledSubarray([...datagrams, ...datagrams], { minLength: 1 }),
          });
        }),
        ({ log, wrap, sent }) => {
          const bed = new Bed();
          bed.send(sent);
          const [crash, ...others] = [...bed.settle(), ...bed.settleLater()];
          expect(others).toEqual([]);
          const came = new Set(sent.map(numberOf));
          expect(assembled(crash)).toEqual(expected(log, wrap, came));
          expect(crash?.parts).toBe(came.size);
          expect(crash?.duplicates).toBe(sent.length - came.size);
          expect(bed.begun).toEqual([crash]);
          expect(bed.losses()).toEqual({});
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is there at once when it is whole, and is not waited for', () => {
    const log = Buffer.from('x'.repeat(3000));
    const bed = new Bed();
    const datagrams = netoopsDatagrams({ ...dumpOf(log, 1500), transmissions: 1 });
    bed.send(datagrams.slice(1));
    expect(bed.reassembly.isAnyWhole).toBe(false);
    expect(bed.settle()).toEqual([]);
    bed.send(datagrams.slice(0, 1));
    expect(bed.reassembly.isAnyWhole).toBe(true);
    const [crash] = bed.settle();
    expect(assembled(crash)).toEqual({ bytes: log.toString(), holes: [], wrapAt: 1500 });
    expect(crash).toMatchObject({
      kernel: '6.1.0-50-amd64',
      boot: '',
      isKnown: false,
      parts: 4,
      revision: 1,
    });
  });

  it('is settled again when more of it comes late', () => {
    const log = Buffer.from('abcdefgh'.repeat(400));
    const bed = new Bed();
    const datagrams = netoopsDatagrams({ ...dumpOf(log, 0), transmissions: 1 });
    bed.send(datagrams.slice(0, 1));
    const [crash] = bed.settleLater();
    expect(assembled(crash).holes).toEqual([{ at: 0, bytes: 3 * PIECE, exact: false }]);
    bed.send(datagrams.slice(1));
    const [again] = bed.settle();
    expect(again).toBe(crash);
    expect(again?.revision).toBe(2);
    expect(assembled(again)).toEqual({ bytes: log.toString(), holes: [], wrapAt: 0 });
  });

  it('says its boot where the driver does', () => {
    const bed = new Bed();
    const format: Format = { version: 3, layout: 'boot-id', bootId: 4_000_000_000 };
    bed.send(netoopsDatagrams(dumpOf(Buffer.from('x'), 0, format)));
    expect(bed.settle()[0]?.boot).toBe('4000000000');
  });
});

describe('dumps that share an id', () => {
  it('are told apart by their contents, whatever is lost, repeated and reordered of each', () => {
    let apart = 0;
    fc.assert(
      fc.property(
        anyDump(5 * PIECE).chain(({ log, wrap }) => {
          // An oops, and then the panic: the same log and something behind it.
          return anyLog(600).chain((more) => {
            const logs = [log, Buffer.concat([log, more])] as const;
            const [oops, panic] = logs.map((each) => netoopsDatagrams(dumpOf(each, wrap))) as [
              Uint8Array[],
              Uint8Array[],
            ];
            return fc.record({
              ...{ logs: fc.constant(logs), wrap: fc.constant(wrap) },
              oops: fc.shuffledSubarray(oops, { minLength: 1 }),
              panic: fc.shuffledSubarray(panic, { minLength: 1 }),
            });
          });
        }),
        ({ logs, wrap, oops, panic }) => {
          // Until something contradicts the first dump, a datagram may well be one that came late of it.
          const first = panic[0]!;
          const contradicts = oops.some(
            (each) => numberOf(each) === numberOf(first) && Buffer.compare(each, first) !== 0,
          );
          const [a = 0, b = 0] = logs.map((log) => countOf(log, wrap));
          if (a === b && !contradicts) return;
          apart++;
          const bed = new Bed();
          bed.send(oops);
          bed.send(panic);
          const crashes = bed.settleLater().sort((x, y) => x.firstUs - y.firstUs);
          expect(crashes.map(assembled)).toEqual([
            expected(logs[0], wrap, new Set(oops.map(numberOf))),
            expected(logs[1], wrap, new Set(panic.map(numberOf))),
          ]);
        },
      ),
      { numRuns: 300 },
    );
    expect(apart).toBeGreaterThan(50);
  });
});

function countOf(log: Uint8Array, wrap: number): number {
  return Math.ceil(wrap / PIECE) + Math.ceil((log.length - wrap) / PIECE);
}

describe('settlement', () => {
  const log = Buffer.from('abcdefgh'.repeat(400));
  const once = () => netoopsDatagrams({ ...dumpOf(log, 0), transmissions: 1 });

  it('has the log of a dump that had to wait for it', () => {
    const bed = new Bed();
    bed.send(once());
    bed.nowUs += 30_000_000;
    expect(assembled(bed.settle()[0]).bytes).toBe(log.toString());
  });

  it('is not put off by repetitions, nor by a host that goes on for ever', () => {
    const bed = new Bed();
    const [first = new Uint8Array(), second = new Uint8Array()] = once();
    bed.send([first]);
    for (let s = 0; s < 4; s++) {
      bed.nowUs += 1_000_000;
      bed.send([first]);
    }
    bed.nowUs += 1_000_000;
    expect(bed.settle()).toMatchObject([{ parts: 1, duplicates: 4 }]);
    bed.send([second]);
    expect(bed.settleLater()).toMatchObject([{ parts: 2, revision: 2 }]);

    const many = netoopsDatagrams({
      ...dumpOf(Buffer.from('y'.repeat(40 * PIECE)), 0),
      seconds: 7,
      transmissions: 1,
    });
    let settled = 0;
    for (const datagram of many.slice(0, 20)) {
      bed.nowUs += 4_000_000;
      bed.send([datagram]);
      settled += bed.settle().length;
    }
    expect(settled).toBe(3);
  });

  it('begins its wait anew when the clock was set back', () => {
    const bed = new Bed();
    bed.send(once().slice(0, 1));
    bed.nowUs -= 500_000;
    expect(bed.settle()).toEqual([]);
    expect(bed.settleLater()).toHaveLength(1);
  });

  it('does not tell twice of a dump whose pieces had to make room', () => {
    const bed = new Bed({ maxBytes: 8 * PIECE });
    const all = once();
    bed.send(all);
    expect(bed.settle()).toHaveLength(1);
    bed.send(
      netoopsDatagrams({ ...dumpOf(Buffer.from('z'.repeat(7 * PIECE + 1)), 0), transmissions: 1 }),
      sender(2),
    );
    bed.send(all);
    expect(bed.settle()).toMatchObject([{ sender: { d: 2 } }]);
    expect(bed.begun).toHaveLength(2);
    // What contradicts it is another one.
    bed.send(netoopsDatagrams({ ...dumpOf(Buffer.from('ABCDEFGH'.repeat(400)), 0), transmissions: 1 }));
    expect(bed.settle()).toMatchObject([{ parts: 4 }]);
  });
});

describe('bounds', () => {
  it('leave room for a host that comes when memory is full', () => {
    const bed = new Bed({ maxBytes: 16 * PIECE });
    const half = netoopsDatagrams({
      ...dumpOf(Buffer.from('h'.repeat(9 * PIECE)), 0),
      transmissions: 1,
    }).slice(0, 8);
    bed.send(half, sender(2));
    bed.send(half, sender(3));
    bed.send(netoopsDatagrams(dumpOf(Buffer.from('new'), 0)), sender(4));
    expect(bed.settle()).toMatchObject([{ sender: { d: 4 } }]);
    expect(bed.losses()).toEqual({});
  });

  it('keep all known hosts while anybody else is left', () => {
    const limits = { senders: 64, newSendersPerS: 1e9, senderPerS: 1e9, senderBurst: 1e9, totalPerS: 1e9 };
    const bed = new Bed({ limits, maxBytes: 256 * PIECE, isKnown: ({ d }) => d <= 20 });
    const dump = netoopsDatagrams({ ...dumpOf(Buffer.from('k'.repeat(4 * PIECE)), 0), transmissions: 1 });
    for (let d = 1; d <= 20; d++) bed.send(dump.slice(0, 2), sender(d));
    for (let d = 100; d < 5000; d++) bed.send(dump.slice(0, 2), sender(d));
    for (let d = 1; d <= 20; d++) bed.send(dump.slice(2), sender(d));
    expect(bed.settle().filter(({ isKnown }) => isKnown)).toHaveLength(20);
    expect(bed.lost.some(({ isKnown }) => isKnown)).toBe(false);
  });

  it('value a host by the best of what it sent', () => {
    const limits = { senders: 16, newSendersPerS: 1e9, senderPerS: 1e9, senderBurst: 1e9, totalPerS: 1e9 };
    const bed = new Bed({ limits });
    bed.send(
      netoopsDatagrams({ ...dumpOf(Buffer.from('o'.repeat(50 * PIECE)), 0), transmissions: 1 }).slice(1),
    );
    bed.send(
      netoopsDatagrams({ ...dumpOf(Buffer.from('p'.repeat(60 * PIECE)), 0), transmissions: 1 }).slice(0, 1),
    );
    const strange = netoopsDatagrams({ ...dumpOf(Buffer.from('q'.repeat(3 * PIECE)), 0), transmissions: 1 });
    for (let d = 100; d < 200; d++) bed.send(strange.slice(0, 2), sender(d));
    const own = bed.settleLater().filter(({ sender: { d } }) => d === 1);
    expect(own.map(({ parts }) => parts)).toEqual([49, 1]);
  });

  it('refuses what cannot be, and counts it', () => {
    const [good = new Uint8Array()] = netoopsDatagrams(dumpOf(Buffer.from('x'), 0));
    const bed = new Bed();
    const change = (at: number, value: number) => {
      const bytes = good.slice();
      new DataView(bytes.buffer).setUint16(at, value, true);
      return bytes;
    };
    bed.send([
      good.subarray(0, 20),
      good.subarray(0, good.length - 1),
      change(0, 4),
      change(2, 80),
      change(10, 0),
      change(14, 1),
      new Uint8Array(),
    ]);
    expect(bed.losses()).toEqual({ malformed: 7 });
    bed.send([change(12, 1)]);
    expect(bed.losses()).toEqual({ too_long: 1 });
    expect([bed.reassembly.senders, bed.reassembly.bytes]).toEqual([0, 0]);
  });

  it('keeps a known host whatever strangers send, and never more than it may', () => {
    const limits = { senders: 64, newSendersPerS: 1e9, senderPerS: 1e9, senderBurst: 1e9, totalPerS: 1e9 };
    const maxBytes = 256 * PIECE;
    const bed = new Bed({ limits, maxBytes, isKnown: ({ d }) => d === 1 });
    const log = Buffer.from('0123456789abcdef'.repeat(64 * 100));
    const own = netoopsDatagrams({ ...dumpOf(log, 0), transmissions: 1 });
    const [stranger = new Uint8Array()] = netoopsDatagrams(dumpOf(Buffer.from('stranger'), 0));
    for (const [i, datagram] of own.entries()) {
      bed.send([datagram]);
      for (let j = 0; j < 1000; j++) bed.send([stranger], sender(2 + i * 1000 + j));
      expect(bed.reassembly.bytes).toBeLessThanOrEqual(maxBytes);
      expect(bed.reassembly.senders).toBeLessThanOrEqual(64);
    }
    const [crash] = bed.settle();
    expect(crash).toMatchObject({ isKnown: true, parts: 100 });
    // Its newest KiB is zeros, as the driver sends it.
    expect(assembled(crash).holes).toEqual([{ at: 99 * PIECE, bytes: PIECE, exact: true }]);
    expect(bed.lost.length).toBeGreaterThan(99_000);
  });

  it('keeps a dump that grows among strangers who send two pieces each', () => {
    const limits = { senders: 64, newSendersPerS: 1e9, senderPerS: 1e9, senderBurst: 1e9, totalPerS: 1e9 };
    const bed = new Bed({ limits, maxBytes: 512 * PIECE });
    const own = netoopsDatagrams({ ...dumpOf(Buffer.from('y'.repeat(50 * PIECE - 1)), 0), transmissions: 1 });
    const strange = netoopsDatagrams({
      ...dumpOf(Buffer.from('z'.repeat(3 * PIECE - 1)), 0),
      transmissions: 1,
    });
    for (const [i, datagram] of own.entries()) {
      bed.send([datagram]);
      for (let j = 0; j < 20; j++) bed.send(strange.slice(0, 2), sender(2 + i * 20 + j));
    }
    expect(bed.settle()).toMatchObject([{ parts: 50 }]);
  });

  it('forgets dumps in time, with those that nobody asked for counted', () => {
    const bed = new Bed();
    bed.send(netoopsDatagrams(dumpOf(Buffer.from('x'), 0)));
    bed.send(netoopsDatagrams({ ...dumpOf(Buffer.from('y'), 0), seconds: 9 }));
    expect(bed.reassembly.settle(bed.nowUs, ({ parts }) => parts > 1)).toEqual([]);
    expect(bed.settle()).toHaveLength(2);
    bed.send(netoopsDatagrams({ ...dumpOf(Buffer.from('z'), 0), seconds: 10 }));
    bed.nowUs += QUIET_US + 59_000_000;
    expect(bed.reassembly.settle(bed.nowUs, () => false)).toEqual([]);
    expect(bed.lost).toHaveLength(0);
    bed.nowUs += 1_000_000;
    expect(bed.reassembly.settle(bed.nowUs, () => false)).toEqual([]);
    expect(bed.lost).toHaveLength(1);
    expect([bed.reassembly.senders, bed.reassembly.bytes]).toEqual([0, 0]);
  });
});
