import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Position, timestampUs } from './position.ts';

const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
const count = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const nanos = fc.bigInt({ min: 1_000n, max: 8_999_999_999_999_999_999n });

describe('where a delivered message stands', () => {
  test('both forms of the reply subject, to the exact microsecond', () => {
    const position = new Position();
    expect(position.parse('$JS.ACK.NETFALL.c1.1.42.7.1714557600123456789.3')).toBe(true);
    expect({ ...position }).toEqual({ sequence: 42, delivered: 7, timeUs: 1714557600123456 });
    expect(position.parse('$JS.ACK._.hash.NETFALL.c1.1.43.8.1714557600123456999.3')).toBe(true);
    expect({ ...position }).toEqual({ sequence: 43, delivered: 8, timeUs: 1714557600123456 });
    expect(position.parse('$JS.ACK._.hash.NETFALL.c1.1.44.9.1714557600123457000.3.random')).toBe(true);
    expect({ ...position }).toEqual({ sequence: 44, delivered: 9, timeUs: 1714557600123457 });
  });

  test('agrees with plain splitting for any names and numbers', () => {
    const position = new Position();
    const parts = fc.record({
      stream: token,
      consumer: token,
      sequence: count,
      delivered: count,
      time: nanos,
      long: fc.constantFrom('', 'short', 'random'),
    });
    fc.assert(
      fc.property(parts, ({ stream, consumer, sequence, delivered, time, long }) => {
        const head = long === '' ? '$JS.ACK' : '$JS.ACK._.hash';
        const tail = long === 'random' ? '.0.r4nd0m' : '.0';
        expect(
          position.parse(`${head}.${stream}.${consumer}.1.${sequence}.${delivered}.${time}${tail}`),
        ).toBe(true);
        expect(position.sequence).toBe(sequence);
        expect(position.delivered).toBe(delivered);
        expect(position.timeUs).toBe(Number(time / 1000n));
      }),
    );
  });

  test('refuses whatever else comes, without throwing', () => {
    const position = new Position();
    for (const reply of [
      '',
      '_INBOX.abc',
      '$JS.ACK.',
      '$JS.ACK.S.c.1.2.3.4',
      '$JS.ACK.S.c.1.x.3.1714557600123456789.0',
      '$JS.ACK.S.c.1.2.-3.1714557600123456789.0',
      '$JS.ACK.S.c.1.2.3..0',
      '$JS.ACK.S.c.1.9007199254740992.3.1714557600123456789.0',
      '$JS.ACK.S.c.1.0.3.1714557600123456789.0',
    ]) {
      expect(position.parse(reply), reply).toBe(false);
    }
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (text, prefixed) => {
        expect(typeof position.parse(prefixed ? `$JS.ACK.${text}` : text)).toBe('boolean');
      }),
    );
  });
});

describe('written time stamps', () => {
  test('keep the microseconds and cut off the rest', () => {
    expect(timestampUs('2024-05-01T10:00:00.123456789Z')).toBe(1714557600123456);
    expect(timestampUs('2024-05-01T10:00:00.1Z')).toBe(1714557600100000);
    expect(timestampUs('2024-05-01T10:00:00Z')).toBe(1714557600000000);
    expect(timestampUs('2024-05-01T10:00:00.000000999Z')).toBe(1714557600000000);
  });

  test('agree with the nanoseconds they were written from', () => {
    const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
    fc.assert(
      fc.property(seconds, fc.integer({ min: 0, max: 999_999_999 }), (second, nano) => {
        // As Go writes it: without the zeros at the end.
        const fraction = String(nano).padStart(9, '0').replace(/0+$/, '');
        const text =
          new Date(second * 1000).toISOString().slice(0, 19) + (fraction === '' ? 'Z' : `.${fraction}Z`);
        expect(timestampUs(text)).toBe(second * 1_000_000 + Math.floor(nano / 1000));
      }),
    );
  });

  test('are refused in any other form', () => {
    for (const text of ['', 'now', '2024-05-01', '2024-05-01T10:00:00+02:00', '2024-13-01T10:00:00Z']) {
      expect(timestampUs(text), text).toBeNull();
    }
    fc.assert(fc.property(fc.string(), (text) => timestampUs(text) === null || text.endsWith('Z')));
  });
});
