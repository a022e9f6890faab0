import type { DropSample } from '@netfall/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IncidentRecord } from './incident.ts';
import type { IncidentSample } from './model.ts';
import { asSample, MOST_SAMPLES, newestSample, withSample } from './samples.ts';
import { fold, SURGE } from './testing/folded.ts';
import { aSample, START_US, Story } from './testing/story.ts';

const from = (hostId: string, sample: DropSample | null, nowUs: number) =>
  sample && asSample(hostId, `${hostId}.example`, sample, nowUs);

describe('the newest sample of a kind', () => {
  const [reason, fn] = ['NO_SOCKET', '__udp4_lib_rcv'];
  test.each<[string, DropSample[], number | null]>([
    ['none', [], null],
    ['others', [aSample(`${reason}/other`), aSample(`OTHER/${fn}`)], null],
    ['the one that came last', [aSample(SURGE, { observed_us: 5 }), aSample(SURGE, { observed_us: 4 })], 0],
    ['of two that came at once the later one', [aSample(SURGE), aSample('OTHER/f'), aSample(SURGE)], 2],
  ])('%s', (_name, samples, index) => {
    expect(newestSample(samples, reason, fn)).toBe(index === null ? null : samples[index]);
  });
});

describe('evidence', () => {
  test('says whose a packet was, where it was dropped, and who talked to whom', () => {
    const inner = { source: '192.0.2.1', destination: '192.0.2.2', source_port: 0, destination_port: 0 };
    const flows = [
      { ...inner, protocol: 'VXLAN', detail: '', vlans: [12], tunnel_id: 42 },
      { ...inner, protocol: 'ICMP', detail: 'echo request', vlans: [], tunnel_id: 0 },
    ];
    const sample = aSample(SURGE, { flows });
    expect(withSample([], from('a', sample, 7))).toEqual([
      {
        host_id: 'a',
        hostname: 'a.example',
        at_us: 7,
        interface: 'eth0',
        namespace: 'pod shop/web-1',
        length: 70,
        flows,
      },
    ]);
  });

  test('cuts a text that a pair of surrogates would be split by', () => {
    const [kept] = withSample([], from('a', aSample(SURGE, { namespace: `${'x'.repeat(79)}😀` }), 7));
    expect(kept?.namespace).toBe(`${'x'.repeat(79)}\ufffd`);
  });

  test('of any packets is the newest of each of the first hosts, in few bytes', () => {
    const text = fc.string({ unit: 'binary', maxLength: 256 });
    const flow = fc.record({
      ...{ source: text, destination: text, protocol: text, detail: text },
      ...{ source_port: fc.nat(65_535), destination_port: fc.nat(65_535), tunnel_id: fc.maxSafeNat() },
      vlans: fc.array(fc.nat(4095), { maxLength: 8 }),
    });
    const sample = fc
      .record({ interface: text, namespace: text, flows: fc.array(flow, { maxLength: 8 }), length: fc.nat() })
      .map((part) => aSample(SURGE, part));
    const step = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.option(sample, { freq: 5 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const newest = new Map<string, number>();
        let kept: readonly IncidentSample[] = [];
        for (const [at, [host, sample]] of steps.entries()) {
          const before = JSON.stringify(kept);
          const after = withSample(kept, from(host, sample, at));
          expect(JSON.stringify(kept)).toBe(before);
          kept = after;
          if (sample && (newest.has(host) || newest.size < MOST_SAMPLES)) newest.set(host, at);
        }
        expect(kept.map(({ host_id, at_us }) => [host_id, at_us])).toEqual([...newest].sort());
        // A character that JSON escapes takes six bytes.
        expect(Buffer.byteLength(JSON.stringify(kept))).toBeLessThan(MOST_SAMPLES * 8192);
        expect(JSON.parse(JSON.stringify(kept))).toEqual(kept);
      }),
    );
  });
});

describe('an incident', () => {
  const record = (story: Story) => [...fold(story).rows().incidents].at(-1) as IncidentRecord;
  const shown = (story: Story) =>
    record(story).samples.map(({ host_id, length, at_us }) => [host_id, length, at_us]);
  const at = (seconds: number) => START_US + seconds * 1_000_000;
  /** A second of trouble on each of some hosts; each sends a packet that is as long as the second's number. */
  const second = (story: Story, s: number, ...hosts: string[]) => {
    for (const host of hosts) {
      const samples = [aSample(SURGE, { length: s }), aSample('TCP_CSUM/tcp_v4_rcv')];
      story.report(s, host, { drops: { [SURGE]: 1000 }, samples });
    }
  };
  const firing = () => {
    const story = new Story();
    story.epoch(0, { sinks: ['chat'] });
    for (const host of ['a', 'b', 'c', 'd']) story.report(0, host);
    for (let s = 1; s <= 3; s++) second(story, s, 'b');
    story.tick(4);
    return story;
  };

  test('shows a packet of its signal from the host that it fired by', () => {
    expect(shown(firing())).toEqual([['b', 3, at(3)]]);
  });

  test('shows newer ones as the host’s numbers are brought up to date, not with every report', () => {
    const story = firing();
    for (let s = 4; s <= 7; s++) second(story, s, 'b');
    expect(shown(story)).toEqual([['b', 3, at(3)]]);
    second(story, 8, 'b');
    expect(shown(story)).toEqual([['b', 8, at(8)]]);
    // A report without one leaves what is known.
    for (let s = 9; s <= 20; s++) story.report(s, 'b', { drops: { [SURGE]: 1000 } });
    expect(shown(story)).toEqual([['b', 8, at(8)]]);
  });

  test('shows those of the first three hosts that join, by host', () => {
    const story = firing();
    for (let s = 4; s <= 7; s++) second(story, s, 'd', 'c', 'a');
    expect(record(story).hosts.map(({ host_id }) => host_id)).toEqual(['a', 'b', 'c', 'd']);
    expect(shown(story)).toEqual([
      ['a', 6, at(6)],
      ['b', 3, at(3)],
      ['c', 6, at(6)],
    ]);
  });

  test('keeps them when it is over, and tells none of them to sinks', () => {
    const story = firing();
    for (let s = 4; s <= 120; s++) for (const id of ['a', 'b', 'c', 'd']) story.report(s, id, { drops: {} });
    expect(record(story).state).toBe('resolved');
    expect(shown(story)).toEqual([['b', 3, at(3)]]);
    const notifications = [...fold(story).rows().notifications];
    expect(notifications).toHaveLength(2);
    expect(JSON.stringify(notifications)).not.toContain('10.1.2.3');
  });
});
