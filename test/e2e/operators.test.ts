/** What operators and deployment tools say to `netfall up`, from the command line and curl to the log and back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Netfall } from '../processes/netfall.ts';

/** Asks until there is something; the test's own time limit ends it otherwise. */
async function until<T>(ask: () => Promise<T[]>): Promise<T[]> {
  for (;;) {
    const answer = await ask();
    if (answer.length > 0) return answer;
    await sleep(100);
  }
}

it('is taken, shown, and outlasts a restart', { timeout: 120_000 }, async () => {
  const data = mkdtempSync(join(tmpdir(), 'netfall-e2e-'));
  try {
    const start = async () => {
      const child = new Netfall(['up', '--data', data, '--listen', '127.0.0.1:0']);
      const [, api = ''] = await child.line(/^Netfall is at (http:\S+)$/);
      const ask = async (...args: string[]) => {
        const env = { NETFALL_API: api };
        const { code, stdout, stderr } = await new Netfall([...args, '--json'], { env }).ended;
        expect([code, stderr]).toEqual([0, '']);
        return JSON.parse(stdout);
      };
      return { child, api, ask };
    };
    const { child, api, ask } = await start();
    const announced = await fetch(`${api}/api/v1/changes`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: '{"id":"deploy-231","summary":"api v2.31","attributes":{"pool":"api"}}',
    });
    expect([announced.status, await announced.json()]).toEqual([
      202,
      { id: 'deploy-231', sequence: expect.any(Number) },
    ]);
    const { id } = await ask('maintenance', '--match', 'rack=r12', '--for', '2h', '--by', 'ann');
    const [silence] = await until(async () => (await ask('silences')).silences);
    expect(silence).toMatchObject({ id, state: 'active', matchers: ['rack=r12'], by: 'ann' });
    expect(await child.kill()).toBe(0);

    const again = await start();
    expect((await again.ask('changes')).changes).toMatchObject([
      { id: 'deploy-231', summary: 'api v2.31', attributes: { pool: 'api' }, hosts: [] },
    ]);
    await again.ask('silences', 'end', id, '--by', 'bob');
    const over = () => fetch(`${again.api}/api/v1/silences?state=over`).then((response) => response.json());
    const [ended] = await until<object>(async () => ((await over()) as { silences: object[] }).silences);
    expect(ended).toMatchObject({ id, ended_by: 'bob' });
    expect(await again.child.kill()).toBe(0);
  } finally {
    rmSync(data, { recursive: true });
  }
});
