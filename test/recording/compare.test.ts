import { describe, expect, it } from 'vitest';
import type { Incident } from '../../collector/fold/model.ts';
import { compare, type TrueFault, type Truth } from './compare.ts';

const SECOND = 1_000_000;
const HOSTS = ['a1', 'a2', 'b1', 'b2'];
const attributes = new Map(
  HOSTS.map((host) => [
    host,
    { rack: host.slice(0, 1), subnet: `${host.slice(0, 1)}/24`, pool: host.slice(1) },
  ]),
);

const fault: TrueFault = {
  ...{ id: 'f1', name: 'rack-qdisc', kind: 'drop', announced: true },
  ...{ start: 100 * SECOND, end: 200 * SECOND, cause: [{ attribute: 'rack', value: 'a' }], extent: 2 },
  ...{ hosts: ['a1', 'a2'], onsets: {} },
};
const truth: Truth = {
  ...{ scenario: 'recording', seed: 1, minutes: 5, hosts: 4, cell: 'c', start: 0, end: 300 * SECOND },
  incidents: [fault],
};

interface Told {
  readonly id?: string;
  readonly items?: readonly [string, string][] | null;
  readonly hosts?: readonly string[];
  readonly at?: number;
  readonly until?: number;
  readonly kind?: string;
  readonly state?: string;
  readonly cause?: string;
  readonly changes?: readonly string[];
}

/** An incident, as far as it is looked at. */
function incident({
  id = 'i1-0',
  items = [['rack', 'a']],
  hosts = ['a1', 'a2'],
  ...told
}: Told = {}): Incident {
  const { at = 105, until = 190, kind = 'drop', state = 'firing', cause, changes = [] } = told;
  return {
    ...{ id, state, title: id, signal: { kind }, symptoms: [] },
    ...{ started_us: at * SECOND, detected_us: at * SECOND, last_us: until * SECOND },
    hosts: hosts.map((host_id) => ({ host_id })),
    explanation: items && { items: items.map(([attribute, value]) => ({ attribute, value })) },
    cause: cause === undefined ? null : { incident_id: cause },
    changes: changes.map((id) => ({ id })),
    audit: [{ at_us: 60 * SECOND }, { at_us: 104 * SECOND }],
  } as unknown as Incident;
}

const answer = (...incidents: Incident[]) => compare(truth, incidents, attributes);

describe('compare', () => {
  it('finds the incident of a fault', () => {
    expect(answer(incident({ changes: ['f1'] }))).toEqual({
      faults: [
        {
          ...{ id: 'f1', name: 'rack-qdisc', cause: 'rack=a', announced: true, hosts: 2 },
          ...{
            incident: 'i1-0',
            joined: false,
            foundAfterMs: 5000,
            explained: 'exact',
            explanation: 'rack=a',
          },
          ...{ covered: 2, beyond: 0, change: true, title: 'i1-0' },
        },
      ],
      others: [],
    });
  });

  it.each<{ what: string; told: Told; explained: string }>([
    { what: 'what the same hosts have', told: { items: [['subnet', 'a/24']] }, explained: 'equivalent' },
    { what: 'what other hosts have', told: { items: [['pool', '1']] }, explained: 'other' },
    { what: 'the whole fleet', told: { items: [] }, explained: 'other' },
    { what: 'nothing', told: { items: null }, explained: 'none' },
  ])('grades an explanation that says $what', ({ told, explained }) => {
    expect(answer(incident(told)).faults[0]?.explained).toBe(explained);
  });

  it('takes the best answer, and lists what else there was and when', () => {
    const { faults, others } = answer(
      incident({ id: 'i1-0', items: null, hosts: ['a1'] }),
      incident({ id: 'i2-0', at: 110 }),
      incident({ id: 'i3-0', hosts: ['b1'], items: null }),
      incident({ id: 'i4-0', hosts: ['b2'], items: null, cause: 'i2-0' }),
      incident({ id: 'i5-0', state: 'candidate' }),
    );
    expect(faults[0]?.incident).toBe('i2-0');
    expect(others).toEqual([
      { id: 'i1-0', title: 'i1-0', atMs: 105_000, during: ['f1'], consequenceOf: '' },
      { id: 'i3-0', title: 'i3-0', atMs: 105_000, during: [], consequenceOf: '' },
      { id: 'i4-0', title: 'i4-0', atMs: 105_000, during: [], consequenceOf: 'i2-0' },
    ]);
  });

  it('says when an older incident took it in', () => {
    expect(answer(incident({ at: 50 })).faults[0]).toMatchObject({ joined: true, foundAfterMs: 4000 });
  });

  it.each<{ what: string; told: Told }>([
    { what: 'of another kind', told: { kind: 'silence' } },
    { what: 'over before', told: { at: 10, until: 90 } },
    { what: 'long after', told: { at: 260, until: 290 } },
    { what: 'of other hosts', told: { hosts: ['b1', 'b2'] } },
  ])('takes no incident that is $what', ({ told }) => {
    expect(answer(incident(told)).faults[0]).toMatchObject({ incident: '', foundAfterMs: null });
  });
});
