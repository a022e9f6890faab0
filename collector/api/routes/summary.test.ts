import { expect, test } from 'vitest';
import { aHost, anIncident, startApi } from '../testing.ts';

test('counts hosts, incidents and losses', async () => {
  await using api = await startApi();
  const losses = [{ source: 'spool', hop: 'evicted', count: 3 }];
  api.database.commit({
    hosts: [aHost('a', { losses, messages_lost: 2 }), aHost('b', { status: 'stopped', losses })],
    incidents: [anIncident(), anIncident({ id: 'i1-0', state: 'closed' })],
  });
  const { status, body } = await api.get('/api/v1/summary');
  expect(status).toBe(200);
  expect(body).toEqual({
    counted_us: expect.any(Number),
    hosts: { live: 1, silent: 0, stopped: 1, conflict: 0 },
    incidents: { candidate: 0, firing: 1, acknowledged: 0, resolving: 0, resolved: 0, closed: 1 },
    losses: [{ source: 'spool', hop: 'evicted', count: 6 }],
    messages_lost: 2,
  });
});
