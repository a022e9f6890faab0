import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentConfig, sources } from '@netfall/agent';
import { openEmbeddedLog } from '@netfall/log';
import { encodeEntry, writeEventLine } from '@netfall/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launcher, Netfall, run } from '../test/processes/netfall.ts';

const sourceNames = sources.map(({ name }) => name);
const sourceKeys = Object.keys(AgentConfig.properties.sources.properties);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'netfall-cli-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** Listens on a free port of the loopback interface. */
async function listen(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return server;
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the launcher', () => {
  it('finds Node 24 and the sources through symbolic links, from anywhere', async () => {
    const link = join(directory, 'netfall');
    symlinkSync(launcher, link);
    const child = new Netfall(['--version'], { env: { PATH: '/usr/bin:/bin' }, command: link });
    expect(await child.ended).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  });
});

describe('usage', () => {
  it('is explained within 80 columns', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    const commands = [
      'up',
      'drops',
      'doctor',
      'incidents',
      'crash',
      'crashes',
      'hosts',
      'sources',
      'silences',
      'maintenance',
      'changes',
      'export',
      'replay',
      'agent',
      'collector',
    ];
    for (const command of commands) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
      const help = await run(command, '--help');
      expect(help.code).toBe(0);
      for (const line of help.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it.each([
    [['dorps'], "netfall: unknown command 'dorps' (Did you mean drops?)\n"],
    [['drops', '--fro', '5s'], "netfall: unknown option '--fro' (Did you mean --for?)\n"],
    [
      ['drops', '--for', '5'],
      "netfall: option '--for <duration>' argument '5' is invalid. Give a duration like 500ms, 5s, 2m or 1h.\n",
    ],
    [['agent'], "netfall: required option '--config <file>' not specified\n"],
    [
      ['sources', 'off', 'kfree-skb', '--for', '1h'],
      "netfall: required option '--why <text>' not specified\n",
    ],
    [
      ['sources', 'off', 'x', '--for', '1h', '--why', 'y', '--label', 'rack'],
      "netfall: option '--label <key=value>' argument 'rack' is invalid. Give key=value like rack=r7.\n",
    ],
    [
      ['maintenance', '--match', 'rack', '--for', '1h'],
      "netfall: option '--match <matcher>' argument 'rack' is invalid. Give name=value or name!=value like rack=r12 or host!=web-*.\n",
    ],
    [
      ['incidents', 'silence', '--for', '1h'],
      'netfall: nothing to silence: name an incident, or say what matches with --match\n',
    ],
    [
      ['incidents', 'silence', '--match', 'a=b', '--for', '31d'],
      "netfall: option '--for <duration>' argument '31d' is invalid. Give a duration like 30m, 12h or 7d, at most 30d.\n",
    ],
    [['replay'], "netfall: missing required argument 'file'\n"],
    [
      ['hosts', '--limit', '0'],
      "netfall: option '--limit <n>' argument '0' is invalid. Give a number from 1 to 9999999.\n",
    ],
    [
      ['up', '--nats', 'http://nats-1'],
      "netfall: option '--nats <url>' argument 'http://nats-1' is invalid. Give host:port or nats://host:port, more of them separated by commas.\n",
    ],
    [
      ['hosts', '--api', 'localhost:7070'],
      "netfall: option '--api <url>' argument 'localhost:7070' is invalid. Give a URL like http://127.0.0.1:7070.\n",
    ],
    [
      ['export', '--from', '5', '--to', '3'],
      'netfall: --from 5 is behind --to 3: give a stretch that goes forward\n',
    ],
    [
      ['export', '--config', 'x.yaml', '--data', 'x'],
      "netfall: option '--config <file>' cannot be used with option '--data <dir>'\n",
    ],
  ])('%j is wrong usage', async (args, message) => {
    expect(await run(...args)).toEqual({ code: 2, stdout: '', stderr: message });
  });
});

describe('an address that cannot be listened on', () => {
  it.each(['foo', '7070', '127.0.0.1:65536', ''])(
    '%j is wrong usage, and leaves nothing behind',
    async (text) => {
      const data = join(directory, 'unused');
      expect(await run('up', '--data', data, '--listen', text)).toEqual({
        code: 2,
        stdout: '',
        stderr:
          `netfall: option '--listen <host:port>' argument '${text}' is invalid. ` +
          'Give HOST:PORT like 127.0.0.1:7070 or [::1]:7070; port 0 takes a free one.\n',
      });
      expect(existsSync(data)).toBe(false);
    },
  );

  it('leaves nothing behind when a configuration names it', async () => {
    const data = join(directory, 'unused');
    const path = file('listen.yaml', 'listen: foo\nlog: {nats: {servers: ["127.0.0.1:1"]}}\n');
    for (const args of [['up', '--data', data], ['collector']]) {
      expect(await run(...args, '--config', path)).toEqual({
        code: 1,
        stdout: '',
        stderr: 'netfall: foo is no address to listen on: write HOST:PORT, e.g. 127.0.0.1:7070\n',
      });
    }
    expect(existsSync(data)).toBe(false);
  });
});

describe('a wrong configuration', () => {
  it('stops the start with a line a problem', async () => {
    const path = file('agent.yaml', 'cell: a b\nsources:\n  kfree_skb: {enabled: false}\n');
    const { code, stdout, stderr } = await run('agent', '--config', path);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.split('\n')).toEqual([
      `netfall: ${path}:1: cell is "a b", not text that matches ^[A-Za-z0-9_-]{1,64}$`,
      `netfall: ${path}:3: sources.kfree_skb is not a known key (did you mean kfree-skb?); allowed: ${sourceKeys.join(', ')}`,
      '',
    ]);
  });

  it('is one without a log, for an agent or a collector alone', async () => {
    for (const command of ['agent', 'collector']) {
      const path = file(`${command}-alone.yaml`, 'cell: a\n');
      expect(await run(command, '--config', path)).toEqual({
        code: 1,
        stdout: '',
        stderr: `netfall: ${path} names no log: set log.nats.servers, or run "netfall up", which needs none\n`,
      });
    }
  });
});

describe('asking a collector', () => {
  it('says which one does not answer', async () => {
    const server = await listen(createServer());
    const api = address(server);
    server.close();
    for (const args of [['hosts'], ['incidents'], ['incidents', 'show', 'x']]) {
      expect(await run(...args, '--api', api)).toEqual({
        code: 1,
        stdout: '',
        stderr:
          `netfall: no collector answers at ${api} (ECONNREFUSED): start one with "netfall up", ` +
          'or name another with --api or NETFALL_API\n',
      });
    }
  });

  it('says so when something else answers', async () => {
    const server = await listen(createServer((_, response) => response.end('<html>')));
    const api = address(server);
    const { code, stderr } = await new Netfall(['hosts'], { env: { NETFALL_API: api } }).ended;
    expect([code, stderr]).toEqual([
      1,
      `netfall: what answers at ${api} is no Netfall collector: name one with --api or NETFALL_API\n`,
    ]);
    server.close();
  });

  it('names the list when an incident does not exist', async () => {
    const body = JSON.stringify({
      error: { code: 'incident_not_found', message: 'there is no incident abc' },
    });
    const server = await listen(createServer((_, response) => response.writeHead(404).end(body)));
    expect(await run('incidents', 'show', 'abc', '--api', address(server))).toEqual({
      code: 1,
      stdout: '',
      stderr: 'netfall: there is no incident abc: "netfall incidents list" shows those that are kept\n',
    });
    server.close();
  });
});

describe('replay', () => {
  const tick = (sequence: number, subject = 'netfall.default.tick') =>
    writeEventLine({
      sequence,
      timeUs: sequence * 1_000_000,
      subject,
      data: encodeEntry({ tick: { replica: 'r-1' } }),
    });

  it('folds a file and counts what was rejected', async () => {
    const path = file('events.ndjson', `${[tick(1), tick(2, 'netfall.other.tick'), tick(3)].join('\n')}\n`);
    const { code, stdout, stderr } = await run('replay', path, '--json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({
      entries: 3,
      rejected: { other_cell: 1 },
      epochs_passed_over: 0,
      incidents: [],
    });
    expect((await run('replay', path)).stdout).toBe(
      'No incidents.\n\n3 entries folded, 1 other_cell rejected\n',
    );
  });

  it('goes on past an epoch of other rules, and says so', async () => {
    const epoch = { fold_version: 99, config_digest: '', catalog_digest: '', config: '' };
    const data = encodeEntry({ epoch });
    const line = writeEventLine({ sequence: 2, timeUs: 2_000_000, subject: 'netfall.default.epoch', data });
    const path = file('epoch.ndjson', [tick(1), line, tick(3)].join('\n'));
    expect((await run('replay', path)).stdout).toBe(
      'No incidents.\n\n2 entries folded, none rejected\n1 epochs of other rules or catalogs passed over\n',
    );
  });

  it('holds the pages of another configuration against those of the original', async () => {
    const out = join(directory, 'fleet');
    const simulated = await run(
      ...'simulate --scenario tor-failure --hosts 60 --seed 4 --out'.split(' '),
      out,
    );
    expect([simulated.code, simulated.stderr]).toEqual([0, '']);
    const events = join(out, 'events.ndjson');
    const deaf = file('deaf.yaml', 'detect: { floor_per_s: 1000000 }\n');
    const replayed = JSON.parse((await run('replay', events, '--config', deaf, '--json')).stdout);
    const original = JSON.parse((await run('replay', events, '--json')).stdout);
    const drops = ({ fingerprint }: { fingerprint: string }) => fingerprint.startsWith('drop/');
    expect(original.incidents.filter(drops).length).toBeGreaterThan(0);
    expect(replayed.incidents.filter(drops)).toEqual([]);
    expect(replayed.pages).toMatchObject({ added: [], moved: [] });
    expect(replayed.pages.removed.filter(drops).length).toBeGreaterThan(0);
    const same = file('same.yaml', '{}\n');
    const { pages } = JSON.parse((await run('replay', events, '--config', same, '--json')).stdout);
    expect(pages).toMatchObject({ added: [], removed: [], moved: [] });
    expect(pages.same).toBeGreaterThan(0);
  });

  it('reads what export writes', async () => {
    const data = join(directory, 'exported');
    const log = openEmbeddedLog({ dir: join(data, 'log') });
    for (const id of ['a', 'b', 'c']) {
      await log.append({
        subject: 'netfall.default.tick',
        id,
        data: encodeEntry({ tick: { replica: 'r-1' } }),
      });
    }
    await log.close();
    const whole = await run('export', '--data', data);
    expect([whole.code, whole.stderr]).toEqual([0, '']);
    const lines = whole.stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { sequence: 1 },
      { sequence: 2 },
      { sequence: 3 },
    ]);
    const part = await run('export', '--data', data, '--from', '2', '--to', '2');
    expect(part.stdout).toBe(`${lines[1]}\n`);
    const replayed = await run('replay', file('exported.ndjson', whole.stdout), '--json');
    expect(JSON.parse(replayed.stdout)).toMatchObject({ entries: 3, rejected: {} });
    expect((await run('export', '--data', '/nowhere')).stderr).toBe(
      'netfall: /nowhere/log holds no log: name the --data of "netfall up", or a collector\'s --config\n',
    );
  });

  it.each([
    ['{"sequence":1,"time_us":1}', 'line 1: either entry or raw is needed'],
    [`${tick(1)}\n\n${tick(1)}`, 'line 3: sequence 1 after 1'],
  ])('names the line that is wrong (%#)', async (text, message) => {
    const path = file('wrong.ndjson', text);
    expect(await run('replay', path)).toEqual({
      code: 1,
      stdout: '',
      stderr: `netfall: ${path}: ${message}\n`,
    });
  });

  it('names the file that cannot be read, or holds nothing', async () => {
    expect((await run('replay', '/nowhere')).stderr).toBe(
      'netfall: /nowhere cannot be read (ENOENT): name a readable events.ndjson\n',
    );
    const empty = file('empty.ndjson', '\n');
    expect(await run('replay', empty)).toMatchObject({
      code: 1,
      stderr: `netfall: ${empty} holds no entries: name an events.ndjson with at least one line\n`,
    });
  });
});

describe('doctor', () => {
  it('looks at every source and at the machine', async () => {
    const { code, stdout } = await run('doctor', '--json');
    expect(code).toBe(0);
    const { sources: probed, checks } = JSON.parse(stdout);
    expect(probed.map(({ name }: { name: string }) => name)).toEqual(sourceNames);
    expect(checks.map(({ name }: { name: string }) => name)).toEqual([
      'drops',
      'kernel',
      'btf',
      'capabilities',
      'node',
    ]);
    expect(checks.at(-1)).toEqual({
      name: 'node',
      ok: true,
      detail: expect.stringMatching(/^Node 24\./),
      mend: '',
    });
  });

  it('looks at the directory and the log that are configured', async () => {
    const path = file('doctor.yaml', `data: ${directory}/spool\nlog: {nats: {servers: ["127.0.0.1:1"]}}\n`);
    const { checks } = JSON.parse((await run('doctor', '--json', '--config', path)).stdout);
    expect(checks.slice(5)).toEqual([
      { name: 'data', ok: true, detail: `${directory}/spool can be written`, mend: '' },
      {
        name: 'log',
        ok: false,
        detail: expect.stringContaining('127.0.0.1:1'),
        mend: 'start NATS with JetStream at 127.0.0.1:1',
      },
    ]);
  });

  it('fails under --strict when what is switched on does not work', async () => {
    const config = file('all.yaml', `data: ${directory}/spool\n`);
    const bare = ['doctor', '--strict', '--root', directory, '--config'];
    const { code, stdout, stderr } = await run(...bare, config);
    expect(code).toBe(1);
    expect(stdout).toContain('unavailable');
    expect(stderr).toMatch(
      /^netfall: not all works: .*counters \(unavailable\).*: see above for what is missing\n$/,
    );
    const off = sourceKeys.map((name) => `${name}: {enabled: false}`).join(', ');
    const none = file('none.yaml', `data: ${directory}/spool\nsources: {${off}}\n`);
    const ended = await run(...bare, none, '--json');
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    const { sources: probed } = JSON.parse(ended.stdout);
    expect(probed.map(({ state }: { state: string }) => state)).toEqual(sourceNames.map(() => 'off'));
    const away = file(
      'away.yaml',
      `data: ${directory}/spool\nsources: {${off}}\nlog: {nats: {servers: ["127.0.0.1:1"]}}\n`,
    );
    expect(await run(...bare, away)).toMatchObject({
      code: 1,
      stderr: 'netfall: not all works: log (degraded): see above for what is missing\n',
    });
  });

  it('says what a machine without /sys lacks', async () => {
    const { checks } = JSON.parse((await run('doctor', '--json', '--root', directory)).stdout);
    expect(checks.slice(0, 3)).toEqual([
      {
        name: 'drops',
        ok: false,
        detail: 'counted by nobody: no source, kfree-skb and drop-monitor cannot',
        mend: '',
      },
      {
        name: 'kernel',
        ok: false,
        detail: `${directory}/proc/sys/kernel/osrelease cannot be read`,
        mend: 'run Linux 5.17 or later',
      },
      {
        name: 'btf',
        ok: false,
        detail: `there is no ${directory}/sys/kernel/btf/vmlinux`,
        mend: 'run a kernel built with CONFIG_DEBUG_INFO_BTF=y, and let /sys be seen',
      },
    ]);
  });
});
