import { createHash } from 'node:crypto';
import { checkEntry, decodeEntry, type Envelope, type EventLine, writeEventLine } from '@netfall/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listScenarios, type SimulateOptions, simulate } from './index.ts';

const names = listScenarios().map(({ name }) => name);
const clean = { noise: 0, chronic: 0, late: 0, duplicated: 0 };

function digestOf(options: SimulateOptions): string {
  const hash = createHash('sha256');
  const { truth, entries } = simulate(options);
  hash.update(JSON.stringify(truth));
  for (const entry of entries()) hash.update(writeEventLine(entry));
  return hash.digest('hex');
}

function envelopes(entries: Iterable<EventLine>): { timeUs: number; envelope: Envelope }[] {
  return [...entries].flatMap(({ timeUs, data }) => {
    const { envelope } = decodeEntry(data);
    return envelope ? [{ timeUs, envelope }] : [];
  });
}

describe('a simulated log', () => {
  test('is the same for the same seed, and another for another one', () => {
    const options = { scenario: 'overlapping', hosts: 40, seed: 7 };
    expect(digestOf(options)).toBe(digestOf(options));
    expect(digestOf({ ...options, seed: 8 })).not.toBe(digestOf(options));
  });

  test('can be read twice', () => {
    const { entries } = simulate({ scenario: 'image-crash', hosts: 20, seed: 1 });
    const once = [...entries()].map(writeEventLine);
    expect([...entries()].map(writeEventLine)).toEqual(once);
  });

  test('is in order and within the bounds of entries, whatever happens and by whichever seed', () => {
    const property = fc.property(
      fc.constantFrom(...names),
      fc.integer({ min: 20, max: 60 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      (scenario, hosts, seed) => {
        const { truth, entries } = simulate({ scenario, hosts, seed });
        let [sequence, timeUs] = [0, truth.start];
        for (const entry of entries()) {
          expect(checkEntry(decodeEntry(entry.data), entry.subject)).toBeNull();
          expect(entry.sequence).toBe(++sequence);
          expect(entry.timeUs).toBeGreaterThanOrEqual(timeUs);
          timeUs = entry.timeUs;
        }
        expect(timeUs).toBeLessThanOrEqual(truth.end);
      },
    );
    fc.assert(property, { numRuns: 40 });
  });

  test('has every message of a host once, if the network loses no order', () => {
    const { entries } = simulate({ scenario: 'tor-failure', hosts: 60, seed: 3, disturbances: clean });
    const numbers = new Map<string, number>();
    for (const { envelope } of envelopes(entries())) {
      const { host_id, seq } = envelope;
      if (envelope.oldest_seq === seq) expect(seq).toBe((numbers.get(host_id) ?? 0) + 1);
      numbers.set(host_id, Math.max(seq, numbers.get(host_id) ?? 0));
    }
    expect(numbers.size).toBe(60);
  });

  test('begins with everyday life, for as long as the fleet is to be known', () => {
    const { truth } = simulate({ scenario: 'syn-flood', hosts: 20, seed: 1, known_s: 100 });
    const lasted = truth.windows.map(({ name, start, end }) => [name, (end - start) / 1_000_000]);
    expect(lasted).toEqual([
      ['known', 100],
      ['warm-up', 80],
      ['fault', expect.any(Number)],
      ['recovery', 70],
    ]);
    const [first] = truth.incidents;
    expect(first?.start).toBeGreaterThanOrEqual(truth.start + 180_000_000);
  });

  test('is made as it is read', () => {
    const { entries } = simulate({ scenario: 'noise-only', hosts: 100_000, seed: 1 });
    const log = entries()[Symbol.iterator]();
    const [first, second] = [log.next().value, log.next().value] as EventLine[];
    expect([first?.sequence, second?.sequence]).toEqual([1, 2]);
  });
});

describe('disturbances', () => {
  /** Of quiet hosts, so that messages are evenly spread. */
  function shares(disturbances: SimulateOptions['disturbances']) {
    const options = { scenario: 'noise-only', hosts: 400, seed: 5 };
    const { entries } = simulate({ ...options, disturbances: { ...clean, skew_s: 0, ...disturbances } });
    const seen = new Set<string>();
    let [all, late, twice] = [0, 0, 0];
    for (const { timeUs, envelope } of envelopes(entries())) {
      all++;
      const id = `${envelope.host_id} ${envelope.seq}`;
      if (seen.has(id)) twice++;
      else if (timeUs - envelope.observed_us > 1_000_000) late++;
      seen.add(id);
    }
    return { late: late / all, twice: twice / all };
  }

  test('can be left out', () => {
    expect(shares({})).toEqual({ late: 0, twice: 0 });
  });

  test('are of the size that was asked for', () => {
    const { late, twice } = shares({ late: 0.05, duplicated: 0.01 });
    expect(late).toBeCloseTo(0.05, 2);
    expect(twice).toBeCloseTo(0.01, 2);
  });

  test('set clocks wrong by two seconds at most', () => {
    const { entries } = simulate({
      ...{ scenario: 'noise-only', hosts: 200, seed: 1, disturbances: { ...clean, skew_s: 2 } },
    });
    const errors = envelopes(entries()).map(({ timeUs, envelope }) => envelope.observed_us - timeUs);
    expect(Math.max(...errors)).toBeGreaterThan(1_800_000);
    expect(Math.max(...errors)).toBeLessThanOrEqual(2_000_000);
    expect(Math.min(...errors)).toBeGreaterThanOrEqual(-2_300_000);
  });
});

describe('what cannot be simulated', () => {
  test.each([
    [{ scenario: 'x', hosts: 20, seed: 1 }, 'no scenario "x"'],
    [{ scenario: 'noise-only', hosts: 19, seed: 1 }, '19 hosts: give a number from 20 to 100000'],
    [{ scenario: 'noise-only', hosts: 20.5, seed: 1 }, '20.5 hosts: give a number from 20 to 100000'],
  ])('%j', (options, message) => {
    expect(() => simulate(options)).toThrow(new RangeError(message));
  });
});
