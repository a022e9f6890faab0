/**
 * The part of counters.ts that runs as the first process of its own namespaces: makes a host, and collects its counters by
 * our source and by node_exporter in turn.
 *
 *   unshare --net --mount --pid --fork --mount-proc node test/bench/counters-world.ts --rounds=5 --seconds=60
 *
 * Prints a {@link Round} as JSON for each. It ends with everything that it has made.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { numberOf } from '../load/child.ts';
import { processSeconds } from '../load/process-time.ts';

/** Processor time of each, as a share of one core. */
export interface Round {
  readonly netfall: number;
  readonly nodeExporter: number;
}

const NAMESPACES = 50;
/** One end of a pair for each namespace, and both ends of others. */
const INTERFACES = 200;
const PERIOD_MS = 5_000;
/** Collections in which code is compiled, for what runs for days, and the time between them. */
const WARM_UP = { collections: 100, everyMs: 100 } as const;
const EXPORTER = 'http://127.0.0.1:9100/metrics';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { rounds: text, seconds: text } });
const rounds = numberOf('rounds', values.rounds);
const seconds = numberOf('seconds', values.seconds);

makeHost();
const [netfall, nodeExporter] = [await startNetfall(), startNodeExporter()];
await untilAnswers();
for (let i = 0; i < WARM_UP.collections; i++) {
  await sleep(WARM_UP.everyMs);
  tellNetfall();
  await scrape();
}
for (let round = 0; round < rounds; round++) {
  const measured: Round = {
    netfall: await during(netfall, tellNetfall, seconds * 1000),
    nodeExporter: await during(nodeExporter, scrape, seconds * 1000),
  };
  console.log(JSON.stringify(measured));
}
process.exit();

function ip(...commands: string[]): void {
  execFileSync('ip', ['-batch', '-'], { input: commands.join('\n') });
}

/** A process in each namespace holds it, as a pod's does. */
function makeHost(): void {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run/netns']);
  ip('link set lo up');
  for (let i = 0; i < NAMESPACES; i++) {
    ip(`netns add n${i}`, `link add pod${i} type veth peer name eth0 netns n${i}`, `link set pod${i} up`);
    spawn('ip', ['netns', 'exec', `n${i}`, 'sleep', 'infinity'], { stdio: 'ignore' });
    execFileSync('ip', ['-n', `n${i}`, '-batch', '-'], { input: 'link set lo up\nlink set eth0 up\n' });
  }
  for (let i = NAMESPACES; i < INTERFACES; i += 2) {
    ip(`link add a${i} type veth peer name b${i}`, `link set a${i} up`, `link set b${i} up`);
  }
  const found = readFileSync('/proc/self/net/dev', 'latin1').match(/^ *(pod|a|b)\d+:/gm)?.length;
  if (found !== INTERFACES) throw new Error(`${found} interfaces were made, not ${INTERFACES}`);
}

async function startNetfall(): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'counters-observer.ts');
  // As bin/netfall does.
  const child = spawn(process.execPath, ['--max-semi-space-size=1', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' },
  });
  const [ready] = await once(child.stdout!, 'data');
  if (String(ready) !== `${NAMESPACES}\n`) throw new Error(`the source reads ${ready} namespaces`);
  return child;
}

function startNodeExporter(): ChildProcess {
  const collectors = ['netstat', 'netdev', 'softnet', 'sockstat'].map((name) => `--collector.${name}`);
  return spawn(
    'prometheus-node-exporter',
    ['--web.listen-address=127.0.0.1:9100', '--collector.disable-defaults', ...collectors],
    { stdio: 'ignore' },
  );
}

/** One collection. */
function tellNetfall(): void {
  netfall.stdin!.write('\n');
}

async function untilAnswers(): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    await sleep(100);
    const answered = await fetch(EXPORTER).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answered) return;
  }
  throw new Error('node_exporter does not answer');
}

async function scrape(): Promise<void> {
  const response = await fetch(EXPORTER);
  const page = await response.text();
  if (!response.ok || !page.includes('node_network_receive_drop_total{device="pod0"}')) {
    throw new Error(`node_exporter answers ${response.status}`);
  }
}

/** The share of a core that a process takes while it collects every 5 s. */
async function during(child: ChildProcess, collect: () => unknown, ms: number): Promise<number> {
  const [begun, cpu] = [performance.now(), processSeconds(child.pid!)];
  for (let left = ms; left > 0; left -= PERIOD_MS) {
    await sleep(Math.min(left, PERIOD_MS));
    await collect();
  }
  await sleep(500);
  if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
  return ((processSeconds(child.pid!) - cpu) * 1000) / (performance.now() - begun);
}
