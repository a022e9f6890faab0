/**
 * What an agent takes of its host, as released: memory at rest and under a flood, and processor time at rest.
 *
 *   npm run bench -- agent [--release=DIR] [--seconds=60] [--json]
 *
 * `release` is an unpacked release; without, one is built. The agent reports to a JetStream server of its own and has
 * all sources on. It is left to itself for `seconds`, then for as long 150 000 datagrams a second go to a closed port in
 * a network namespace. What else the machine drops is counted, too: run it alone. Budgets, not ratios: see
 * docs/benchmarks.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Namespace } from '../load/namespace.ts';
import { processSeconds, residentMb } from '../load/process-time.ts';
import { udpFlood } from '../load/udp-flood.ts';
import { findNatsServer, NATS_SERVER_MISSING, startNatsServer } from '../nats-server.ts';
import { Netfall } from '../processes/netfall.ts';
import { buildRelease } from '../processes/release.ts';
import { measured, type Options, type Result, unmeasured } from './result.ts';

const RATE = 150_000;
const CLOSED_PORT = 9;
/** What an agent does once, at its start, is over by then. */
const SETTLE_MS = 15_000;

const REST_MB = { metric: 'resident_mb_at_rest', goal: '<=100' } as const;
const FLOOD_MB = { metric: 'resident_mb_under_flood', goal: '<=100' } as const;
const REST_CPU = { metric: 'cpu_percent_of_a_core_at_rest', goal: '<=0.5' } as const;

export async function run(options: Options): Promise<Result[]> {
  if (!findNatsServer()) {
    return [REST_MB, REST_CPU, FLOOD_MB].map(({ metric, goal }) =>
      unmeasured(metric, goal, NATS_SERVER_MISSING),
    );
  }
  const seconds = Number(options['seconds'] ?? 60);
  if (!(seconds > 0)) throw new RangeError(`'${options['seconds']}' must be a number above 0`);
  const dir = mkdtempSync(join(tmpdir(), 'netfall-bench-'));
  try {
    const release = options['release'] ?? (await buildRelease(dir));
    const nats = await startNatsServer({ dir: join(dir, 'nats'), syncAlways: false });
    const config = join(dir, 'agent.yaml');
    writeFileSync(
      config,
      `data: ${join(dir, 'agent')}\nlog:\n  nats:\n    servers: ["127.0.0.1:${nats.port}"]\n`,
    );
    const agent = new Netfall(['agent', '--config', config], { command: `${release}/bin/netfall` });
    try {
      await agent.line(/reports to cell/);
      await sleep(SETTLE_MS);
      return await observe(agent.pid, seconds);
    } finally {
      await agent.kill();
      await nats.stop();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function observe(pid: number, seconds: number): Promise<Result[]> {
  const [cpu, begun] = [processSeconds(pid), performance.now()];
  await sleep(seconds * 1000);
  const percent = ((processSeconds(pid) - cpu) / (performance.now() - begun)) * 1e5;
  const rest = [
    measured(REST_MB.metric, residentMb(pid), REST_MB.goal),
    measured(REST_CPU.metric, percent, REST_CPU.goal),
  ];
  const why =
    process.getuid?.() !== 0
      ? 'needs root'
      : spawnSync('ip', ['netns', 'list']).status !== 0
        ? 'needs ip (iproute2)'
        : undefined;
  if (why !== undefined) return [...rest, unmeasured(FLOOD_MB.metric, FLOOD_MB.goal, why)];
  using namespace = new Namespace('netfall-bench');
  // Without end, so that a machine that cannot keep the rate is not flooded for longer.
  const flood = udpFlood({
    namespace: namespace.name,
    host: '127.0.0.1',
    port: CLOSED_PORT,
    count: Number.MAX_SAFE_INTEGER,
    ratePerSecond: RATE,
  });
  const ended = flood.done.catch(() => {});
  try {
    await sleep(seconds * 1000);
    const underFlood = measured(FLOOD_MB.metric, residentMb(pid), FLOOD_MB.goal);
    const rate = namespace.udpNoPorts() / seconds;
    return [...rest, underFlood, { metric: 'flood_rate_vs_wanted', value: rate / RATE }];
  } finally {
    flood.process.kill();
    await ended;
  }
}
