import { expect, test } from 'vitest';
import { aHost, startApi, T0 } from '../testing.ts';

test('shows a host, its labels and its ledger', async () => {
  await using api = await startApi();
  const inventory = {
    hostname: 'web-1.example',
    addresses: ['192.0.2.1'],
    gateway: '',
    gateway_mac: '',
    subnet: '',
    kernel: '6.12.1',
    image: '',
    cmdline_digest: '',
    vendor: '',
    product: '',
    cpu: '',
    microcode: '',
    nics: [],
    labels: [{ key: 'rack', value: 'r12' }],
  };
  const sources = [{ name: 'counters', state: 'ok', detail: '', mend: '' } as const];
  const losses = [{ source: 'spool', hop: 'evicted', count: 3 }];
  api.database.commit({ hosts: [aHost('web-1', { inventory, sources, losses, agent_version: '0.1.0' })] });
  const { status, body } = await api.get('/api/v1/hosts/web-1');
  expect(status).toBe(200);
  expect(body).toEqual({
    host_id: 'web-1',
    hostname: 'web-1.example',
    status: 'live',
    first_seen_us: T0,
    last_seen_us: T0,
    agent_version: '0.1.0',
    boot_id: '',
    incarnation: '',
    attributes: { kernel: '6.12.1', rack: 'r12' },
    addresses: ['192.0.2.1'],
    sources,
    losses: [{ source: 'spool', hop: 'evicted', count: 3 }],
    spool_messages: 0,
    messages_lost: 0,
  });
});

test('names the host that is not there', async () => {
  await using api = await startApi();
  expect(await api.get('/api/v1/hosts/web-9')).toMatchObject({
    status: 404,
    body: {
      error: {
        code: 'host_not_found',
        message: 'no host web-9 has reported: start its agent, or look in /api/v1/hosts for how it is named',
      },
    },
  });
});
