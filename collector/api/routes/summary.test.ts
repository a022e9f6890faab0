import { expect, test } from 'vitest';
import { aHost, anIncident, startApi } from '../testing.ts';

const aSource = (name: string, state: 'ok' | 'off') => ({ name, state, detail: '', mend: '' });

test('counts hosts, incidents and losses', async () => {
  await using api = await startApi();
  const losses = [{ source: 'spool', hop: 'evicted', count: 3 }];
  api.database.commit({
    hosts: [
      aHost('a', {
        losses,
        messages_lost: 2,
        sources: [aSource('kfree-skb', 'off'), aSource('counters', 'ok')],
      }),
      aHost('b', { status: 'stopped', losses, sources: [aSource('kfree-skb', 'ok')] }),
      aHost('c', { sources: [aSource('counters', 'ok')] }),
    ],
    incidents: [anIncident(), anIncident({ id: 'i1-0', state: 'closed' })],
  });
  const { status, body } = await api.get('/api/v1/summary');
  expect(status).toBe(200);
  expect(body).toEqual({
    counted_us: expect.any(Number),
    hosts: { live: 2, silent: 0, stopped: 1, conflict: 0 },
    incidents: { candidate: 0, firing: 1, acknowledged: 0, resolving: 0, resolved: 0, closed: 1, merged: 0 },
    sources: [
      { name: 'counters', hosts: { ok: 2, degraded: 0, unavailable: 0, off: 0, unknown: 0 } },
      { name: 'kfree-skb', hosts: { ok: 0, degraded: 0, unavailable: 0, off: 1, unknown: 0 } },
    ],
    losses: [{ source: 'spool', hop: 'evicted', count: 6 }],
    messages_lost: 2,
  });
});
