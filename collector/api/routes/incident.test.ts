import { expect, test } from 'vitest';
import { anIncident, startApi } from '../testing.ts';

test('shows an incident', async () => {
  await using api = await startApi();
  api.database.commit({ incidents: [anIncident({ id: 'i7-1' })] });
  expect(await api.get('/api/v1/incidents/i7-1')).toMatchObject({
    status: 200,
    body: anIncident({ id: 'i7-1' }),
  });
});

test('names the incident that is not there', async () => {
  await using api = await startApi();
  expect(await api.get('/api/v1/incidents/i7-1')).toMatchObject({
    status: 404,
    body: {
      error: {
        code: 'incident_not_found',
        message: 'there is no incident i7-1: /api/v1/incidents lists those that are kept',
      },
    },
  });
});
