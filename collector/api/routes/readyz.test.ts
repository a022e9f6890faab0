import { expect, test } from 'vitest';
import { startApi, T0 } from '../testing.ts';

test('a replica that has caught up is ready', async () => {
  await using api = await startApi();
  expect(await api.get('/readyz')).toMatchObject({
    status: 200,
    body: {
      ready: true,
      replica: 'c1',
      cell: 'default',
      sequence: 120,
      last_sequence: 120,
      log_time_us: T0,
      lag_ms: 40,
    },
  });
});

test('one that has not says what it waits for, and is alive', async () => {
  await using api = await startApi();
  api.setStatus({ ready: false, why: 'reading the log: at entry 120 of 9000' });
  expect(await api.get('/readyz')).toMatchObject({
    status: 503,
    body: { error: { code: 'not_ready', message: 'reading the log: at entry 120 of 9000' } },
  });
  expect(await api.get('/healthz')).toMatchObject({ status: 200, body: { alive: true } });
});
