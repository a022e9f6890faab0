import { expect, test } from 'vitest';
import { startApi } from '../testing.ts';

test('the process is alive even when its database cannot be read', async () => {
  await using api = await startApi();
  api.database.reader.close();
  expect(await api.get('/healthz')).toMatchObject({ status: 200, body: { alive: true } });
});
