import { expect, test } from 'vitest';
import { aHost, aNotification, anIncident, startApi } from '../testing.ts';

test('says where the replica stands, what it holds and how it answers', async () => {
  await using api = await startApi();
  const losses = [{ source: 'spool', hop: 'evicted', count: 3 }];
  api.database.commit({
    hosts: [aHost('a', { losses, messages_lost: 2 }), aHost('b', { status: 'silent' })],
    incidents: [anIncident()],
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
  api.setStatus({ rejected: { undecodable: 1 }, entries: 119 });
  const { body } = await api.get('/metrics');
  expect(body).toContain('\nnetfall_fold_entries_total 119\n');
  expect(body).toContain('\nnetfall_fold_rejected_total{reason="undecodable"} 1\n');
});

test('paths that nobody serves are one series', async () => {
  await using api = await startApi();
  for (let index = 0; index < 20; index++) await api.get(`/nowhere-${index}`);
  const { body } = await api.get('/metrics');
  expect(body).toContain('netfall_api_request_seconds_count{method="GET",route="unknown",status="404"} 20\n');
});
