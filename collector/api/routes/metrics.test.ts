import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aCrash, aHost, aNotification, anIncident, aReading, startApi } from '../testing.ts';

test('says where the replica stands, what it holds and how it answers', async () => {
  await using api = await startApi();
  const losses = [{ source: 'spool', hop: 'evicted', count: 3 }];
  api.database.commit({
    hosts: [aHost('a', { losses, messages_lost: 2 }), aHost('b', { status: 'silent' })],
    incidents: [anIncident()],
    crashes: [
      aCrash({ id: 'c1-0' }, { reading: aReading(1) }, { record: 'a' }, { record: 'b', source: 'pstore' }),
      aCrash({ id: 'c2-0' }, {}, { record: 'a', source: 'other' }, { record: 'b', source: 'toString' }),
      aCrash({ id: 'c3-0' }, { source: 'mine', reading: aReading(2, { type: 'toString' }) }),
    ],
    notifications: [aNotification()],
  });
  api.metrics.committed(0.004);
  api.metrics.notifier.settled('ops', 'delivered');
  api.metrics.notifier.attempted('ops', 'delivered', 0.1);
  await api.get('/api/v1/incidents/i100-0');
  const { status, body, headers } = await api.get('/metrics');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const lines = (body as string).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'netfall_ready 1',
      'netfall_leader 1',
      'netfall_config_differs 0',
      'netfall_fold_sequence 120',
      'netfall_log_last_sequence 120',
      'netfall_log_time_seconds 1772359200',
      'netfall_fold_lag_seconds 0.04',
      'netfall_fold_entries_total 118',
      'netfall_fold_rejected_total{reason="invalid"} 2',
      'netfall_commits_total 30',
      'netfall_commit_seconds_bucket{le="0.005"} 1',
      'netfall_incidents{state="firing"} 1',
      'netfall_incidents{state="closed"} 0',
      'netfall_crashes{source="netconsole"} 2',
      'netfall_crashes{source="pstore"} 1',
      'netfall_crashes{source="kmsg"} 0',
      'netfall_crashes{source="other"} 3',
      'netfall_crashes_read{type="bug"} 1',
      'netfall_crashes_read{type="panic"} 0',
      'netfall_crashes_read{type="other"} 1',
      'netfall_hosts{status="live"} 1',
      'netfall_hosts{status="silent"} 1',
      'netfall_losses_total{source="spool",hop="evicted"} 3',
      'netfall_messages_lost_total 2',
      'netfall_notifications_pending 1',
      'netfall_notifications_total{sink="ops",state="delivered"} 1',
      'netfall_notification_attempt_seconds_count{sink="ops",outcome="delivered"} 1',
      'netfall_api_request_seconds_count{method="GET",route="/api/v1/incidents/:id",status="200"} 1',
      'netfall_api_streams 0',
    ]),
  );
  expect(lines.some((line) => line.startsWith('process_resident_memory_bytes '))).toBe(true);
});

test('totals are not added up again at each scrape', async () => {
  await using api = await startApi();
  await api.get('/metrics');
  api.setStatus({ rejected: { undecodable: 1 }, entries: 119, configDiffers: true });
  const { body } = await api.get('/metrics');
  expect(body).toContain('\nnetfall_fold_entries_total 119\n');
  expect(body).toContain('\nnetfall_config_differs 1\n');
  expect(body).toContain('\nnetfall_fold_rejected_total{reason="undecodable"} 1\n');
});

test('paths that nobody serves are one series', async () => {
  await using api = await startApi();
  for (let index = 0; index < 20; index++) await api.get(`/nowhere-${index}`);
  const { body } = await api.get('/metrics');
  expect(body).toContain('netfall_api_request_seconds_count{method="GET",route="unknown",status="404"} 20\n');
});

test('what is known beforehand is there before anything happens', async () => {
  await using api = await startApi();
  api.setStatus({ rejected: {} });
  const { body } = await api.get('/metrics');
  expect((body as string).split('\n')).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^netfall_build_info\{version="\d+\.\d+\.\d+"\} 1$/),
      'netfall_fold_rejected_total{reason="undecodable"} 0',
      'netfall_losses_total{source="other",hop="other"} 0',
      'netfall_notifications_total{sink="ops",state="delivered"} 0',
      'netfall_notifications_total{sink="ops",state="failed"} 0',
      'netfall_notification_attempt_seconds_count{sink="ops",outcome="retry"} 0',
      'netfall_api_streams_ended_total{why="slow"} 0',
    ]),
  );
});

test('docs/api.md has every metric and its labels, and no other', async () => {
  await using api = await startApi();
  await api.get('/metrics');
  const found: string[] = [];
  for (const { name, values, type } of await api.metrics.registry.getMetricsAsJSON()) {
    if (!name.startsWith('netfall_')) continue;
    const labels = new Set(values.flatMap((value) => Object.keys(value.labels)));
    if (String(type) === 'histogram') labels.delete('le');
    found.push(labels.size === 0 ? name : `${name}{${[...labels].join(',')}}`);
  }
  const page = readFileSync(join(import.meta.dirname, '../../../docs/api.md'), 'utf8');
  const table = page.split('\n').filter((line) => line.startsWith('| `netfall_'));
  const described = table.flatMap((line) =>
    [...line.matchAll(/`(netfall_[\w{},]+)`/g)].map(([, name]) => name),
  );
  expect(described.sort()).toEqual(found.sort());
});
