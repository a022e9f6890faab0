/**
 * How long a collector takes to be current after it was down: a fleet reports at a steady rate to a real server, before,
 * meanwhile and after. `--hosts` (100 000), `--rate` (10 000 messages a second, each of another host), `--down` (300 s).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLEET_CELL } from '../load/fleet.ts';
import { startNatsServer } from '../nats-server.ts';
import { Netfall } from '../processes/netfall.ts';
import { measured, type Options, type Result } from './result.ts';

/** What is folded this soon after it was logged is current, seconds. */
const CURRENT_S = 2;

export async function run(options: Options): Promise<readonly Result[]> {
  const hosts = Number(options['hosts'] ?? 100_000);
  const rate = Number(options['rate'] ?? 10_000);
  const downS = Number(options['down'] ?? 300);
  if (!(hosts > 0 && rate > 0 && downS > 0)) throw new RangeError('hosts, rate and down are above 0');
  const dir = mkdtempSync(join(tmpdir(), 'netfall-bench-catch-up-'));
  const nats = await startNatsServer({ dir: join(dir, 'nats'), syncAlways: false });
  const config = join(dir, 'collector.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      ...{ cell: FLEET_CELL, data: join(dir, 'collector'), listen: '127.0.0.1:0' },
      log: { nats: { servers: [`127.0.0.1:${nats.port}`] } },
    }),
  );
  let collector: Collector | undefined;
  const fleet = new Netfall([`--url=${nats.url}`, `--hosts=${hosts}`, `--rate=${rate}`], {
    program: join(import.meta.dirname, '../load/fleet-publisher.ts'),
  });
  try {
    collector = await startCollector(config);
    await fleet.line(/^publishing$/, 10_000 + (3000 * hosts) / rate);
    await untilCurrent(collector);
    await collector.process.kill('SIGKILL');
    console.error(`the collector is down for ${downS} s`);
    await sleep(downS * 1000);
    const began = performance.now();
    collector = await startCollector(config);
    console.error(`it answers again after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    await untilCurrent(collector);
    const seconds = (performance.now() - began) / 1000;
    return [
      measured(
        `s until current, ${hosts} hosts, ${rate} messages a second, ${downS} s down`,
        seconds,
        '<=60',
      ),
    ];
  } finally {
    await fleet.kill();
    await collector?.process.kill();
    await nats.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Collector {
  readonly process: Netfall;
  readonly api: string;
}

type Readiness = { ready: true; lag_ms: number } | { ready?: false; error: { message: string } };

async function startCollector(config: string): Promise<Collector> {
  const collector = new Netfall(['collector', '--config', config]);
  const [, api = ''] = await collector.line(/(http:\/\/[\d.:]+)/, 120_000);
  return { process: collector, api };
}

/** Resolves when what the collector has folded is what the log has got just now. */
async function untilCurrent({ api }: Collector): Promise<void> {
  for (let looks = 0; ; looks++) {
    await sleep(250);
    const answer = (await (await fetch(`${api}/readyz`)).json()) as Readiness;
    if (answer.ready && answer.lag_ms <= CURRENT_S * 1000) return;
    if (looks % 20 === 0) console.error(answer.ready ? `${answer.lag_ms} ms behind` : answer.error.message);
  }
}
