import { expect, test } from 'vitest';
import { anIncident, anIncidentSample, aShownIncident, startApi, T0 } from '../testing.ts';
import { aConsequence, aCrashIncident, anExplainedIncident } from '../testing-incidents.ts';

test('shows an incident', async () => {
  await using api = await startApi();
  api.database.commit({ incidents: [anIncident({ id: 'i7-1' })] });
  expect(await api.get('/api/v1/incidents/i7-1')).toMatchObject({
    status: 200,
    body: anIncident({ id: 'i7-1' }),
  });
});

test('shows its samples, each with all that is kept of it', async () => {
  await using api = await startApi();
  const [flow] = anIncidentSample().flows;
  const outer = {
    ...flow!,
    protocol: 'VXLAN',
    source_port: 0,
    destination_port: 0,
    vlans: [12],
    tunnel_id: 42,
  };
  const samples = [
    anIncidentSample(),
    anIncidentSample({ host_id: 'web-2', hostname: 'web-2', at_us: T0, flows: [outer, flow!] }),
  ];
  api.database.commit({ incidents: [anIncident({ samples })] });
  const { body } = await api.get('/api/v1/incidents/i100-0');
  expect(body).toEqual(aShownIncident({ samples }));
  expect((body as { samples: unknown[] }).samples[1]).toEqual({
    host_id: 'web-2',
    hostname: 'web-2',
    at_us: T0,
    interface: 'eth0',
    namespace: 'pod shop/web-1',
    length: 70,
    flows: [
      {
        source: '10.1.2.3',
        source_port: 0,
        destination: '10.9.0.4',
        destination_port: 0,
        protocol: 'VXLAN',
        detail: '',
        vlans: [12],
        tunnel_id: 42,
      },
      {
        source: '10.1.2.3',
        source_port: 51_514,
        destination: '10.9.0.4',
        destination_port: 8125,
        protocol: 'UDP',
        detail: '',
        vlans: [],
        tunnel_id: 0,
      },
    ],
  });
});

test.each([anExplainedIncident(), aCrashIncident(), aConsequence('concurrent')])(
  'shows all that is known of $id, and what there is to say of it',
  async (incident) => {
    await using api = await startApi();
    api.database.commit({ incidents: [incident] });
    const { body } = await api.get(`/api/v1/incidents/${incident.id}`);
    expect(body).toEqual(aShownIncident(incident));
  },
);

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
