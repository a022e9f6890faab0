import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sources } from '@netfall/agent';
import { systemClock } from '@netfall/log';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ApiClient } from '../api/client.ts';
import { complete } from '../config/load.ts';
import { UpConfig } from '../config/up.ts';
import { defaultData, startUp } from './up.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'netfall-up-'));
});
afterEach(() => {
  rmSync(data, { recursive: true });
});

function start(listen = '127.0.0.1:0') {
  const config = complete(UpConfig, { data, listen, agent: { host_id: 'here', labels: { rack: 'r12' } } });
  return startUp({ config, clock: systemClock, logger: pino({ level: 'silent' }), env: {} });
}

it('reports this host to itself, says goodbye, and goes on where it stopped', async () => {
  let firstSeen = 0;
  for (const run of [1, 2]) {
    await using up = await start();
    await up.reported;
    const hosts = await new ApiClient(up.url).hosts(10);
    expect(hosts.map(({ host_id, status }) => [run, host_id, status])).toEqual([[run, 'here', 'live']]);
    expect(hosts[0]?.attributes['rack']).toBe('r12');
    const reported = hosts[0]?.sources.map(({ name }) => name);
    expect(reported?.sort()).toEqual(sources.map(({ name }) => name).sort());
    firstSeen ||= hosts[0]?.first_seen_us ?? 0;
    expect(hosts[0]?.first_seen_us).toBe(firstSeen);
    // Nothing was asked for that does not exist.
    const metrics = await (await fetch(`${up.url}/metrics`)).text();
    expect(metrics).toContain(
      'netfall_api_request_seconds_count{method="GET",route="/api/v1/hosts",status="200"} 1\n',
    );
    expect(metrics).not.toMatch(/status="[45]/);
    await up.stop('a test');
  }
});

it('refuses a directory that another one uses, and leaves it usable', async () => {
  await using up = await start();
  await expect(start()).rejects.toMatchObject({ code: 'locked' });
  await up.reported;
});

it('names the address that is taken', async () => {
  await using up = await start();
  const { port } = new URL(up.url);
  const other = mkdtempSync(join(tmpdir(), 'netfall-up-'));
  const config = complete(UpConfig, { data: other, listen: `127.0.0.1:${port}` });
  const options = { config, clock: systemClock, logger: pino({ level: 'silent' }), env: {} };
  await expect(startUp(options)).rejects.toThrow(`127.0.0.1:${port}`);
  rmSync(other, { recursive: true });
});

it('keeps its files where users keep state', () => {
  expect(defaultData({ XDG_STATE_HOME: '/state' })).toBe('/state/netfall');
  expect(defaultData({})).toMatch(/\/\.local\/state\/netfall$/);
});
