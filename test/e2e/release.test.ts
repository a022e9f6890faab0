/** The release, built as `npm run build` does, unpacked outside of the checkout, and used. */
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sources } from '@netfall/agent';
import { decodeEntry } from '@netfall/proto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Netfall } from '../processes/netfall.ts';
import { buildRelease } from '../processes/release.ts';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../cli/package.json'), 'utf8'));

let dir: string;
let release: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'netfall-release-'));
  release = await buildRelease(dir);
}, 300_000);
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const started: Netfall[] = [];
afterEach(async () => {
  for (const netfall of started.splice(0)) await netfall.kill('SIGKILL');
});

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Netfall {
  const netfall = new Netfall(args, { command: join(release, 'bin/netfall'), env });
  started.push(netfall);
  return netfall;
}

const files = (pattern: string) => globSync(pattern, { cwd: release });

describe('the release', { timeout: 120_000 }, () => {
  it('holds JavaScript only, and nothing that is for development', () => {
    expect(files('**/*.{ts,mts,cts}')).toEqual([]);
    expect(files('lib/node_modules/{vitest,typescript,playwright-core}')).toEqual([]);
    expect(
      files('lib/*/**/{testing,golden,fixtures}').filter((path) => !path.includes('node_modules')),
    ).toEqual([]);
    const own = files('lib/*/**/*.js').filter((path) => !path.includes('node_modules'));
    expect(own).toContain('lib/cli/main.js');
    expect(own).toContain('lib/collector/fold-worker.js');
    // Paths that are put together at run time escape tsc.
    const sourcePaths = own.filter((path) =>
      /['"`]\.{1,2}\/[^'"`\n]*\.ts['"`]/.test(readFileSync(join(release, path), 'utf8')),
    );
    expect(sourcePaths).toEqual([]);
  });

  it('carries the licences of what it is made of', () => {
    expect(readFileSync(join(release, 'LICENSE'), 'utf8')).toContain('Apache License');
    const notices = readFileSync(join(release, 'THIRD-PARTY-NOTICES'), 'utf8');
    const shipped = files('lib/node_modules/{*,@*/*}/package.json').map(
      (path) => JSON.parse(readFileSync(join(release, path), 'utf8')) as { name: string; version: string },
    );
    const unnamed = shipped.filter(
      (each) => !each.name.startsWith('@netfall/') && !notices.includes(`${each.name} ${each.version} (`),
    );
    expect(unnamed).toEqual([]);
    expect(shipped.map(({ name }) => name)).toContain(`node-linux-${process.arch}`);
  });

  it('says its version, and what this machine allows under its own Node', async () => {
    // Nothing but a shell's own programs: no other node.
    const env = { PATH: '/usr/bin:/bin' };
    expect(await start(['--version'], env).ended).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    const { code, stdout, stderr } = await start(['doctor', '--json'], env).ended;
    expect([code, stderr]).toEqual([0, '']);
    const report: { sources: { name: string }[]; checks: object[] } = JSON.parse(stdout);
    expect(report.sources.map(({ name }) => name).sort()).toEqual(sources.map(({ name }) => name).sort());
    const modules = join(release, 'lib/node_modules');
    const node = JSON.parse(
      readFileSync(join(modules, `node-linux-${process.arch}/package.json`), 'utf8'),
    ).version;
    expect(report.checks).toContainEqual({ name: 'node', ok: true, detail: `Node ${node}`, mend: '' });
  });

  it('runs agent and collector, and serves the page with all that it loads', async () => {
    const up = start(['up', '--data', join(dir, 'up'), '--listen', '127.0.0.1:0']);
    const [, url = ''] = await up.line(/^Netfall is at (http:\S+)$/, 60_000);
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ alive: true });
    const page = await fetch(`${url}/`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const parts = [...(await page.text()).matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path);
    expect(parts.length).toBeGreaterThan(0);
    for (const path of parts) expect([path, (await fetch(`${url}${path}`)).status]).toEqual([path, 200]);

    const listed = await start(['incidents', 'list', '--json'], { NETFALL_API: url }).ended;
    expect([listed.code, listed.stderr]).toEqual([0, '']);
    expect(Array.isArray(JSON.parse(listed.stdout).incidents)).toBe(true);
    expect([await up.kill(), up.stderr]).toEqual([0, '']);
  });

  it('runs an agent whose messages wait in the spool while there is no log', async () => {
    const data = join(dir, 'agent');
    const config = join(dir, 'agent.yaml');
    // Port 1 of loopback: nobody listens there.
    writeFileSync(config, `host_id: alone\ndata: ${data}\nlog: {nats: {servers: ["127.0.0.1:1"]}}\n`);
    const agent = start(['agent', '--config', config]);
    await agent.line(/agent of host alone reports to cell default/, 60_000);
    expect(await agent.kill()).toBe(0);

    using spool = new DatabaseSync(join(data, 'spool.db'));
    const rows = spool.prepare('SELECT data FROM message ORDER BY seq').all();
    const envelopes = rows.map((row) => decodeEntry(row['data'] as Uint8Array).envelope);
    expect(envelopes[0]).toMatchObject({ host_id: 'alone', seq: 1 });
    const items = envelopes.flatMap((envelope) => envelope?.items ?? []);
    expect(items.find(({ heartbeat }) => heartbeat)?.heartbeat?.agent_version).toBe(version);
    expect(items.at(-1)?.goodbye).toBeDefined();
  });
});
