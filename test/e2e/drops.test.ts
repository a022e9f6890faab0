import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostView, Incident } from '@netfall/collector';
import { afterEach, describe, expect, test } from 'vitest';
import { Namespace } from '../load/namespace.ts';
import { udpFlood } from '../load/udp-flood.ts';
import { findNatsServer, NATS_SERVER_MISSING, type NatsServer, startNatsServer } from '../nats-server.ts';
import { eventually, Netfall } from '../processes/netfall.ts';
import { Receiver } from '../processes/receiver.ts';

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

async function receiver(): Promise<Receiver> {
  const slack = await Receiver.start();
  cleanup.push(() => slack.close());
  return slack;
}

function netfall(args: readonly string[], env: Readonly<Record<string, string>> = {}): Netfall {
  const process = new Netfall(args, { env });
  cleanup.push(() => process.kill('SIGKILL'));
  return process;
}

function namespace(label: string): Namespace {
  const made = new Namespace(label);
  cleanup.push(() => made[Symbol.dispose]());
  return made;
}

async function get(url: string): Promise<{ readonly incidents: Incident[]; readonly hosts: HostView[] }> {
  const response = await fetch(url);
  return (await response.json()) as { incidents: Incident[]; hosts: HostView[] };
}

/** 20 000 datagrams a second for five seconds to a port that nobody listens on. */
function surge(place: Namespace) {
  return udpFlood({
    namespace: place.name,
    host: '127.0.0.1',
    port: 9,
    count: 100_000,
    ratePerSecond: 20_000,
  });
}

/** What must come of a surge, wherever log and collector are. */
async function expectIncident(url: string, slack: Receiver, began: number): Promise<void> {
  const incident = await eventually(async () => {
    const { incidents } = await get(`${url}/api/v1/incidents`);
    return incidents.find(({ signal }) => signal.kind === 'drop' && signal.reason === 'NO_SOCKET');
  }, 10_000);
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(incident).toMatchObject({
    state: 'firing',
    fingerprint: `drop/NO_SOCKET/__udp4_lib_rcv@host=${incident.hosts[0]?.host_id}`,
    signal: { kind: 'drop', reason: 'NO_SOCKET', function: '__udp4_lib_rcv' },
    hosts_total: 1,
    samples: [
      { flows: [{ source: '127.0.0.1', destination: '127.0.0.1', protocol: 'UDP', destination_port: 9 }] },
    ],
  });
  const message = await eventually(async () => slack.received[0], 10_000);
  expect(message.notification).toBe(`${incident.id}/firing`);
  expect(JSON.stringify(message.body)).toContain('NO_SOCKET');
  expect(message.body.text).toContain('NO_SOCKET');
}

describe.skipIf(!root)('drops on this host, from the kernel to a message (needs root)', () => {
  test('netfall drops counts exactly; netfall up makes a surge an incident and tells', async () => {
    const slack = await receiver();
    const dir = folder();
    const config = join(dir, 'netfall.yaml');
    writeFileSync(config, 'notify:\n  - name: ops\n    type: slack\n    url_env: TEST_WEBHOOK\n');
    const up = netfall(['up', '--data', join(dir, 'data'), '--listen', '127.0.0.1:0', '--config', config], {
      TEST_WEBHOOK: slack.url,
    });
    const url = (await up.line(/Netfall is at (http:\S+)/, 60_000))[1] ?? '';
    const place = namespace('surge');
    const drops = netfall(['drops', '--json', '--for', '12s']);
    // It counts from its first line on; before that it has loaded no program.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const began = performance.now();
    const flood = surge(place);
    await expectIncident(url, slack, began);
    expect(await flood.done).toMatchObject({ sent: 100_000 });
    expect(place.udpNoPorts()).toBe(100_000);

    expect((await drops.ended).code).toBe(0);
    const rows = drops.lines.map((line) => JSON.parse(line));
    const found = rows.filter((row) => row.reason === 'NO_SOCKET' && row.function === '__udp4_lib_rcv');
    expect(found).toMatchObject([{ protocol: 'IPv4', events: 100_000, packets: 100_000 }]);
    expect(rows.at(-1)).toMatchObject({ ledger: { lost: 0 } });

    expect(await up.kill('SIGTERM')).toBe(0);
    expect(up.stderr).toBe('');
    expect(up.stdout).not.toContain('secret');
  }, 120_000);

  test('two thousand healthy HTTP connections a second for a minute are no incident', async () => {
    const dir = folder();
    const up = netfall(['up', '--data', join(dir, 'data'), '--listen', '127.0.0.1:0']);
    const url = (await up.line(/Netfall is at (http:\S+)/, 60_000))[1] ?? '';
    const load = new Netfall(['--rate=2000', '--seconds=60'], {
      program: join(import.meta.dirname, '../load/http-connections.ts'),
    });
    cleanup.push(() => load.kill('SIGKILL'));
    expect((await load.ended).code).toBe(0);
    expect(JSON.parse(load.lines[0] ?? '')).toEqual({ asked: 120_000, answered: 120_000, failed: 0 });
    // Longer than a report and a surge take to become an incident.
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    expect((await get(`${url}/api/v1/incidents`)).incidents).toEqual([]);
    expect((await get(`${url}/api/v1/hosts`)).hosts).toMatchObject([{ status: 'live', messages_lost: 0 }]);
  }, 150_000);
});

describe.skipIf(!root || !findNatsServer())(
  `agent and collector over NATS (needs root; ${NATS_SERVER_MISSING})`,
  () => {
    test('a surge becomes an incident and a message', async () => {
      const slack = await receiver();
      const dir = folder();
      const server: NatsServer = await startNatsServer({ dir: join(dir, 'nats') });
      cleanup.push(() => server.stop());
      const log = `log:\n  nats:\n    servers: [${JSON.stringify(server.url)}]\n`;
      const agentConfig = join(dir, 'agent.yaml');
      writeFileSync(agentConfig, `${log}data: ${join(dir, 'agent')}\nhost_id: this-host\n`);
      const collectorConfig = join(dir, 'collector.yaml');
      writeFileSync(
        collectorConfig,
        `${log}data: ${join(dir, 'collector')}\nlisten: 127.0.0.1:0\n` +
          'notify:\n  - name: ops\n    type: slack\n    url_env: TEST_WEBHOOK\n',
      );
      const collector = netfall(['collector', '--config', collectorConfig], { TEST_WEBHOOK: slack.url });
      const url = (await collector.line(/(http:\/\/127[^\s"]+)/, 30_000))[1] ?? '';
      netfall(['agent', '--config', agentConfig]);
      await eventually(async () => (await get(`${url}/api/v1/hosts`)).hosts[0], 20_000);
      const place = namespace('nats');
      const began = performance.now();
      const flood = surge(place);
      await expectIncident(url, slack, began);
      await flood.done;
    }, 120_000);
  },
);
