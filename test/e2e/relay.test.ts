/**
 * A host of the fleet dies and is heard: agents, a collector and a NATS server as processes, the dying host in a network
 * namespace of its own, so that its address is what tells who it was.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Namespace } from '../load/namespace.ts';
import { findNatsServer, NATS_SERVER_MISSING, startNatsServer } from '../nats-server.ts';
import { eventually, launcher, Netfall } from '../processes/netfall.ts';

const RELAY = '10.77.5.1';
const DYING = '10.77.5.2';
const tree = join(import.meta.dirname, '../..');
const missing =
  process.getuid?.() !== 0
    ? 'needs root'
    : spawnSync('ip', ['netns', 'list']).status !== 0
      ? 'needs ip (iproute2)'
      : findNatsServer()
        ? null
        : NATS_SERVER_MISSING;

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

interface CrashLike {
  readonly id: string;
  readonly host_id: string;
  readonly kind: string;
  readonly line: string;
  readonly state: string;
  readonly reading: { readonly type: string; readonly title: string; readonly signature: string } | null;
  readonly records: readonly {
    readonly source: string;
    readonly sender: string;
    readonly host_id: string;
    readonly complete: boolean;
    readonly holes: readonly unknown[];
  }[];
  readonly mismatches: readonly { readonly what: string; readonly said: string }[];
}

describe.skipIf(missing !== null)(`the relay${missing === null ? '' : ` (${missing})`}`, () => {
  test('hears a host die by netoops and netconsole, as one crash of that host', {
    timeout: 120_000,
  }, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'netfall-relay-'));
    cleanup.push(() => rmSync(dir, { recursive: true }));
    const namespace = new Namespace('netfall-dying');
    cleanup.push(() => namespace[Symbol.dispose]());
    namespace.withoutIpv6();
    const link = `nfr${process.pid}`.slice(0, 15);
    const ip = (command: string) => execFileSync('ip', command.split(' '));
    ip(`link add ${link} type veth peer name eth0 netns ${namespace.name}`);
    cleanup.push(() => spawnSync('ip', ['link', 'delete', link]));
    ip(`address add ${RELAY}/30 dev ${link}`);
    ip(`link set ${link} up`);
    namespace.ip(`address add ${DYING}/30 dev eth0`);
    namespace.ip('link set eth0 up');
    const nats = await startNatsServer({ dir: join(dir, 'nats'), host: RELAY, syncAlways: false });
    cleanup.push(() => nats.stop());

    const start = (name: string, keys: object, inside = false): Netfall => {
      const file = join(dir, `${name}.yaml`);
      const log = { nats: { servers: [`${RELAY}:${nats.port}`] } };
      writeFileSync(file, JSON.stringify({ ...keys, data: join(dir, name), log }));
      const args = [name === 'collector' ? 'collector' : 'agent', '--config', file];
      const netfall = inside
        ? new Netfall(['netns', 'exec', namespace.name, launcher, ...args], { command: 'ip' })
        : new Netfall(args);
      cleanup.push(() => netfall.kill('SIGKILL'));
      return netfall;
    };
    const off = Object.fromEntries(
      ['kfree-skb', 'drop-monitor', 'counters', 'kmsg', 'pstore', 'vmcore-dmesg'].map((name) => [
        name,
        { enabled: false },
      ]),
    );
    const collector = start('collector', { listen: '127.0.0.1:0' });
    const [, url = ''] = await collector.line(/(http:\/\/127\.0\.0\.1:\d+)/, 60_000);
    const relays = {
      netoops: { enabled: true, listen: `${RELAY}:2004` },
      netconsole: { enabled: true, listen: `${RELAY}:6666` },
    };
    start('relay', { host_id: 'relay', sources: { ...off, ...relays } });
    const dying = start('dying', { host_id: 'web-7', sources: off }, true);
    const hosts = async () => {
      const { hosts } = (await (await fetch(`${url}/api/v1/hosts`)).json()) as {
        hosts: { host_id: string; addresses: string[] }[];
      };
      return hosts;
    };
    await eventually(async () => {
      const known = await hosts();
      return (
        known.some(({ host_id }) => host_id === 'relay') &&
        known.some(({ addresses }) => addresses.includes(DYING))
      );
    }, 60_000);
    await dying.kill('SIGKILL');

    // Its last words, and then its log, of which much is lost.
    const inside = (script: string, ...args: string[]) =>
      execFileSync('ip', ['netns', 'exec', namespace.name, process.execPath, script, ...args], { cwd: tree });
    inside('test/e2e/relay/last-words.ts', RELAY);
    inside(
      'test/load/netoops-send.ts',
      `--to=${RELAY}`,
      '--kernel=5.4.0-elsewhere',
      '--lose=0.8',
      '--seed=5',
    );

    const crashes = async () =>
      ((await (await fetch(`${url}/api/v1/crashes`)).json()) as { crashes: CrashLike[] }).crashes;
    const crash = await eventually(async () => {
      const [first] = await crashes();
      const sources = first?.records
        .filter(({ complete, holes }) => complete || holes.length > 0)
        .map(({ source }) => source);
      return sources?.toSorted().join() === 'netconsole,netoops' ? first : null;
    }, 40_000);
    expect(await crashes()).toHaveLength(1);
    expect(crash).toMatchObject({ host_id: 'web-7', state: 'reported', kind: 'oops' });
    expect(crash?.records.map(({ sender, host_id }) => [sender, host_id])).toEqual([
      [DYING, 'relay'],
      [DYING, 'relay'],
    ]);
    expect(crash?.mismatches).toContainEqual(
      expect.objectContaining({ what: 'kernel', said: '5.4.0-elsewhere' }),
    );

    expect(crash?.reading?.type).toBe('null-pointer-dereference');
    const { groups } = (await (await fetch(`${url}/api/v1/crashes/signatures`)).json()) as {
      groups: readonly object[];
    };
    const { signature, title } = crash?.reading ?? {};
    expect(groups).toMatchObject([
      { signature, title, crashes: 1, hosts_total: 1, last_crash_id: crash?.id },
    ]);

    const say = async (...args: string[]) => {
      const { code, stdout } = await new Netfall(['crashes', ...args, '--api', url]).ended;
      expect(code).toBe(0);
      return stdout;
    };
    expect(await say()).toMatch(/^c\S+ .* oops +net\w+ \+1 .* BUG: unable to handle kernel N/m);
    const id = crash?.id ?? '';
    const netoops = crash?.records.findIndex(({ source }) => source === 'netoops') ?? -1;
    expect(await say('log', id, '--record', String(netoops))).toMatch(
      /^\[\.\.\. .*1024 bytes.* missing here \.\.\.\]$/m,
    );
    expect(await say('log', id)).toMatch(/Kernel panic - not syncing/);
  });
});
