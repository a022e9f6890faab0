/** `netfall up` from a bare directory to an incident, and down again. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sources } from '@netfall/agent';
import { probeKfreeSkb } from '@netfall/agent/kfree-skb';
import type { Incident } from '@netfall/collector';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { udpFlood } from '../load/udp-flood.ts';
import { Netfall } from '../processes/netfall.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'netfall-e2e-'));
});
afterEach(() => {
  rmSync(data, { recursive: true });
});

const up = (...args: string[]) => new Netfall(['up', '--data', data, '--listen', '127.0.0.1:0', ...args]);

/** Asks until the answer is what is wanted; the test's own time limit ends it otherwise. */
async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    await sleep(200);
  }
}

describe.each(['SIGINT', 'SIGTERM'] as const)('on %s', (signal) => {
  it('says goodbye and exits 0', async () => {
    const child = up('--json');
    const [, url = ''] = await child.line(/^\{"url":"(http:\S+)"\}$/);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect([await child.kill(signal), child.stderr]).toEqual([0, '']);
    const [first] = child.stdout.split('\n').map((text) => (text === '' ? null : JSON.parse(text)));
    const printed = first.sources.map(({ name }: { name: string }) => name);
    expect(printed.sort()).toEqual(sources.map(({ name }) => name).sort());

    // Nothing that it left behind is in the way of the next start.
    const again = up();
    await again.line(/^Netfall is at http:\S+$/);
    expect(await again.kill(signal)).toBe(0);
  });
});

describe.skipIf(probeKfreeSkb().state === 'unavailable')('a surge (needs CAP_BPF and CAP_PERFMON)', () => {
  it('becomes an incident that the CLI shows, and is resolved when it is over', {
    timeout: 120_000,
  }, async () => {
    const config = join(data, 'netfall.yaml');
    writeFileSync(config, 'detect: {quiet_ms: 2000}\nincident: {hold_down_s: 1}\n');
    const child = up('--config', config);
    const [, api = ''] = await child.line(/^Netfall is at (http:\S+)$/);
    const ask = async (...args: string[]) => {
      const { code, stdout } = await new Netfall([...args, '--json'], { env: { NETFALL_API: api } }).ended;
      expect(code).toBe(0);
      return JSON.parse(stdout);
    };
    const flood = udpFlood({ host: '::1', port: 9, count: 10_000, ratePerSecond: 1000 });
    const ours = ({ signal }: Incident) =>
      signal.kind === 'drop' && signal.reason === 'NO_SOCKET' && signal.function.includes('udp6');
    const list = async (): Promise<Incident[]> => (await ask('incidents')).incidents.filter(ours);
    const [firing] = await until(list, ([incident]) => incident?.state === 'firing');
    expect(firing?.hosts).toMatchObject([{ active: true }]);
    expect(await ask('incidents', 'show', firing?.id ?? '')).toMatchObject({
      id: firing?.id,
      signal: firing?.signal,
    });
    await flood.done;
    await until(list, ([incident]) => incident?.state === 'resolved');
    expect(await child.kill()).toBe(0);
  });
});
