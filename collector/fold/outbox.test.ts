import { expect, test } from 'vitest';
import type { Incident, Notification } from './model.ts';
import { Outbox } from './outbox.ts';

const incident = (id: string): Incident => ({
  id,
  fingerprint: `drop/NO_SOCKET/${id}`,
  version: 1,
  state: 'firing',
  severity: 'warning',
  title: '',
  signal: { kind: 'drop', reason: 'NO_SOCKET', function: id },
  started_us: 0,
  detected_us: 0,
  last_us: 0,
  resolved_us: 0,
  symptoms: [],
  hosts: [],
  hosts_total: 0,
  fleet: 1,
  explanation: null,
  unexplained: { total: 0, hosts: [] },
  changes: [],
  rollout: null,
  loops: [],
  cause: null,
  consequences: [],
  acknowledged: null,
  suppressed: null,
  regression_of: '',
  merged_into: '',
  late: { reports: 0, events: 0 },
  runbook: '',
  audit: [],
});

const outcome = (id: string) => ({ notification_id: id, sink: 'chat', holder: 'r', attempts: 1, error: '' });

test('the oldest that waits is given up where ten thousand newer ones do', () => {
  const outbox = new Outbox([]);
  for (let i = 0; i < 10_000; i++) {
    const step = outbox.add('firing', incident(`i${i}-0`), 5, ['chat', 'pager']);
    expect(step).toEqual({ changed: [`i${i}-0/firing`], removed: [] });
  }
  outbox.settle(outcome('i0-0/firing'), 6);
  expect(outbox.add('firing', incident('late'), 7, ['chat'])).toEqual({
    changed: ['late/firing', 'i0-0/firing'],
    removed: [],
  });
  expect(outbox.records.get('i0-0/firing')?.deliveries).toMatchObject([
    { sink: 'chat', state: 'delivered', at_us: 6 },
    { sink: 'pager', state: 'failed', at_us: 7, error: 'over 10000 newer ones wait' },
  ]);
  // The next one is found by time and id, in whatever order the records were restored.
  const restored = new Outbox([...outbox.records.values()].reverse() as Notification[]);
  for (const one of [outbox, restored])
    expect(one.add('firing', incident('later'), 8, ['chat']).changed).toEqual([
      'later/firing',
      'i1-0/firing',
    ]);
});

test('of those that are settled the newest thousand are kept', () => {
  const outbox = new Outbox([]);
  for (let i = 0; i < 1000; i++) outbox.add('firing', incident(`i${i}-0`), i, ['chat']);
  for (let i = 999; i >= 0; i--) {
    expect(outbox.settle(outcome(`i${i}-0/firing`), 2000)).toEqual({
      changed: [`i${i}-0/firing`],
      removed: [],
    });
  }
  expect(outbox.settle(outcome('i5-0/firing'), 2001)).toEqual({ changed: [], removed: [] });
  expect(outbox.add('resolved', incident('i0-0'), 3000, [])).toEqual({
    changed: ['i0-0/resolved'],
    removed: ['i0-0/firing'],
  });
});

test('what waits for a sink that is configured no more is given up, the rest waits on', () => {
  const outbox = new Outbox([]);
  for (const id of ['both', 'told']) outbox.add('firing', incident(id), 5, ['chat', 'pager']);
  outbox.add('firing', incident('one'), 5, ['pager']);
  outbox.settle(outcome('told/firing'), 6);
  expect(outbox.retain(['pager', 'mail'], 7)).toEqual({ changed: ['both/firing'], removed: [] });
  const deliveries = (id: string) => outbox.records.get(`${id}/firing`)?.deliveries;
  const gone = {
    attempts: 0,
    state: 'failed',
    at_us: 8,
    error: 'the sink was removed from the configuration',
  };
  const waits = { sink: 'pager', attempts: 0, state: 'pending', at_us: 0, error: '' };
  expect(deliveries('both')).toEqual([{ ...gone, sink: 'chat', at_us: 7 }, waits]);
  expect(deliveries('told')).toMatchObject([{ sink: 'chat', state: 'delivered' }, waits]);
  expect(outbox.retain([], 8).changed).toEqual(['both/firing', 'told/firing', 'one/firing']);
  expect(deliveries('one')).toEqual([{ ...gone, sink: 'pager' }]);
  // Settled ones count as such: of a thousand and two the oldest two go.
  for (let i = 0; i < 999; i++) outbox.add('firing', incident(`i${i}`), 9, []);
  expect(outbox.records.size).toBe(1000);
});
