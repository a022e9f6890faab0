import { decodeEntry, type Envelope, type EventLine } from '@netfall/proto';
import { expect, test } from 'vitest';
import { simulate } from './index.ts';

/** Nothing but what a scenario is about. */
const CALM = { noise: 0, chronic: 0, skew_s: 0, late: 0, duplicated: 0 };

function envelopes(entries: Iterable<EventLine>): { readonly timeUs: number; readonly envelope: Envelope }[] {
  return Array.from(entries, ({ timeUs, data }) => ({
    timeUs,
    envelope: decodeEntry(data).envelope,
  })).flatMap(({ timeUs, envelope }) => (envelope ? [{ timeUs, envelope }] : []));
}

test('a host numbers its messages without a gap, whatever is late, cut off or booted again', () => {
  for (const scenario of ['image-crash', 'switch-silence', 'crash-loop']) {
    const { truth, entries } = simulate({ scenario, hosts: 60, seed: 1 });
    const sealed = new Map<string, Set<number>>();
    for (const { envelope } of envelopes(entries())) {
      const key = `${envelope.host_id}/${envelope.incarnation}`;
      sealed.set(key, (sealed.get(key) ?? new Set()).add(envelope.seq));
    }
    expect(sealed.size).toBe(truth.hosts);
    for (const numbers of sealed.values()) {
      // The last ones may still be under way.
      const missing = Array.from({ length: Math.max(...numbers) }, (_, i) => i + 1).filter(
        (seq) => !numbers.has(seq),
      );
      expect(missing.every((seq) => seq > numbers.size - 5)).toBe(true);
    }
  }
});

test('time never stands still: somebody speaks, or a replica ticks', () => {
  const { truth, entries } = simulate({ scenario: 'host-crash', hosts: 20, seed: 2, disturbances: CALM });
  const stamps = [truth.start, ...Array.from(entries(), ({ timeUs }) => timeUs), truth.end];
  const gaps = stamps.slice(1).map((us, i) => us - stamps[i]!);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(1_200_000);
});

test('without disturbances a fleet at rest says what is usual, in its time', () => {
  const { truth, entries } = simulate({ scenario: 'noise-only', hosts: 50, seed: 1, disturbances: CALM });
  const all = envelopes(entries());
  expect(truth.incidents).toEqual([]);
  const delays = all.map(({ timeUs, envelope }) => timeUs - envelope.observed_us);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(1000);
  expect(Math.max(...delays)).toBeLessThanOrEqual(300_000);
  // Five minutes of a message each ten seconds.
  expect(all.length).toBe(1500);
  expect(new Set(all.map(({ envelope }) => `${envelope.host_id}/${envelope.seq}`)).size).toBe(all.length);
});

test('a small log, for people', async () => {
  const { truth, entries } = simulate({ scenario: 'host-crash', hosts: 20, seed: 1, disturbances: CALM });
  const at = (us: number) => ((us - truth.start) / 1_000_000).toFixed(3).padStart(8);
  const lines = Array.from(entries(), ({ timeUs, data }) => {
    const { envelope, tick } = decodeEntry(data);
    if (tick) return `${at(timeUs)}  tick`;
    if (!envelope) return `${at(timeUs)}  other`;
    const items = envelope.items.flatMap(({ inventory, drop_report, crash_witness, crash_report }) => [
      ...(inventory ? [`inventory boot ${Number(envelope.boot_id.slice(0, 8))}`] : []),
      ...(drop_report?.drops ?? []).map((drop) => `${drop.reason} ${drop.events}`),
      ...(drop_report?.samples ?? []).map(({ flows }) => `for ${flows[0]?.destination}`),
      ...(crash_witness ? [`hears ${crash_witness.sender}: ${crash_witness.line}`] : []),
      ...(crash_report ? [`reads ${crash_report.reading?.title}`] : []),
    ]);
    return `${at(timeUs)}  ${envelope.host_id} ${envelope.seq}: ${items.join(', ')}`;
  });
  const told = truth.incidents.map((one) => `truth ${JSON.stringify(one)}`);
  // The time around the crash.
  const shown = lines.filter((line) => Number(line.slice(0, 8)) < 3 || /^ +(7[89]|8\d)\./.test(line));
  await expect(`${[...told, ...shown].join('\n')}\n`).toMatchFileSnapshot('./golden/host-crash-20.txt');
});
