/** Switching a source off and on again, from the command line to the kernel. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostView } from '@netfall/collector';
import { afterEach, describe, expect, test } from 'vitest';
import { findNatsServer, NATS_SERVER_MISSING, startNatsServer } from '../nats-server.ts';
import { eventually, Netfall } from '../processes/netfall.ts';

const root = process.getuid?.() === 0;
const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'netfall-e2e-'));
  cleanup.push(() => rmSync(dir, { recursive: true }));
  return dir;
}

function netfall(args: readonly string[], env: NodeJS.ProcessEnv = {}): Netfall {
  const process = new Netfall(args, { env });
  cleanup.push(() => process.kill('SIGKILL'));
  return process;
}

/** BPF programs that a process holds, by their ids. */
function programsOf(pid: number): Set<string> {
  const ids = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    const [, id] = /^prog_id:\s*(\d+)$/m.exec(textOf(`/proc/${pid}/fdinfo/${fd}`)) ?? [];
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Closed since it was listed.
    return '';
  }
}

async function stateOf(url: string, source: string): Promise<HostView['sources'][number] | undefined> {
  const { hosts } = (await (await fetch(`${url}/api/v1/hosts`)).json()) as { hosts: HostView[] };
  return hosts[0]?.sources.find(({ name }) => name === source);
}

/** Off within five seconds, with nothing left in the kernel, and back. */
async function offAndOn(url: string, pid: number, env: NodeJS.ProcessEnv): Promise<void> {
  const run = (...args: string[]) => new Netfall(['sources', ...args, '--api', url], { env }).ended;
  await eventually(async () => (await stateOf(url, 'kfree-skb'))?.state === 'ok', 20_000);
  expect(programsOf(pid).size).toBeGreaterThan(0);

  const off = await run('off', 'kfree-skb', '--for', '10m', '--why', 'test');
  const told = performance.now();
  expect(off).toMatchObject({ code: 0, stderr: '' });
  expect(off.stdout).toMatch(/^kfree-skb goes off on 1 host \(all hosts\) until /);
  const state = await eventually(async () => {
    const found = await stateOf(url, 'kfree-skb');
    return found?.state === 'off' ? found : null;
  }, 5000);
  expect(performance.now() - told).toBeLessThan(5000);
  expect(state.detail).toMatch(/^switched off by \S+ until \S+Z: test$/);
  expect(programsOf(pid)).toEqual(new Set());
  expect((await run()).stdout).toMatch(/^kfree-skb +all hosts +9 min .* test$/m);

  expect(await run('on', 'kfree-skb')).toMatchObject({
    code: 0,
    stdout: 'kfree-skb goes on again where it was switched off (all hosts).\n',
  });
  await eventually(async () => (await stateOf(url, 'kfree-skb'))?.state === 'ok', 5000);
  expect(programsOf(pid).size).toBeGreaterThan(0);
}

describe.skipIf(!root)('switching a source off in one process (needs root)', () => {
  test('it goes off, leaves nothing in the kernel, and comes back', async () => {
    const dir = folder();
    const up = netfall(['up', '--data', join(dir, 'data'), '--listen', '127.0.0.1:0']);
    const url = (await up.line(/Netfall is at (http:\S+)/, 60_000))[1] ?? '';
    await offAndOn(url, up.pid, {});
    const wrong = await new Netfall([
      'sources',
      'off',
      'kfree-skp',
      '--for',
      '1m',
      '--why',
      'x',
      '--api',
      url,
    ]).ended;
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toMatch(
      /^netfall: no host has a source kfree-skp \(did you mean kfree-skb\?\): there are /,
    );
    expect(await up.kill('SIGTERM')).toBe(0);
  }, 120_000);
});

describe.skipIf(!root || !findNatsServer())(
  `switching a source off over NATS (needs root; ${NATS_SERVER_MISSING})`,
  () => {
    test('it goes off, leaves nothing in the kernel, and comes back, for those who know the token', async () => {
      const dir = folder();
      const server = await startNatsServer({ dir: join(dir, 'nats') });
      cleanup.push(() => server.stop());
      const token = 'a-token-of-this-test';
      writeFileSync(join(dir, 'token'), `${token}\n`);
      const log = `log:\n  nats:\n    servers: [${JSON.stringify(server.url)}]\n`;
      const agentConfig = join(dir, 'agent.yaml');
      writeFileSync(agentConfig, `${log}data: ${join(dir, 'agent')}\nhost_id: this-host\n`);
      const collectorConfig = join(dir, 'collector.yaml');
      writeFileSync(
        collectorConfig,
        `${log}data: ${join(dir, 'collector')}\nlisten: 127.0.0.1:0\napi: {operator_token_file: ${join(dir, 'token')}}\n`,
      );
      const collector = netfall(['collector', '--config', collectorConfig]);
      const url = (await collector.line(/(http:\/\/127[^\s"]+)/, 30_000))[1] ?? '';
      const agent = netfall(['agent', '--config', agentConfig]);
      await eventually(async () => (await stateOf(url, 'kfree-skb'))?.state === 'ok', 30_000);
      const args = ['sources', 'off', 'kfree-skb', '--for', '1m', '--why', 'x', '--api', url];
      expect(await new Netfall(args, { env: { NETFALL_TOKEN: undefined } }).ended).toEqual({
        code: 1,
        stdout: '',
        stderr: 'netfall: changes need the operator’s token: send it as "Authorization: Bearer TOKEN"\n',
      });
      await offAndOn(url, agent.pid, { NETFALL_TOKEN: token });
      expect(agent.stderr.match(/kfree-skb: switched off by/g)).toHaveLength(1);
      expect(collector.stderr + agent.stderr).not.toContain(token);
    }, 120_000);
  },
);
