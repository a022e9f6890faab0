/**
 * What it costs to collect counters on a host of 200 interfaces and 50 network namespaces, against node_exporter's
 * collectors of the same files.
 *
 *   npm run bench -- counters [--rounds=5] [--seconds=60] [--json]
 *
 * Needs root, iproute2, unshare and prometheus-node-exporter (Debian). Run it alone. The host is a namespace of network,
 * processes and mounts that counters-world.ts makes and that vanishes with it. Both collect every 5 s, in turn for
 * `seconds`; medians of `rounds`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { numberOf } from '../load/child.ts';
import type { Round } from './counters-world.ts';
import { median } from './paired-cost.ts';
import { measured, type Options, type Result, unmeasured } from './result.ts';

const COST = { metric: 'share_of_a_core', goal: '<=0.01' } as const;

export async function run(options: Options): Promise<Result[]> {
  const why = whyNot();
  if (why !== undefined) return [unmeasured(COST.metric, COST.goal, why)];
  const rounds = numberOf('rounds', String(options['rounds'] ?? 5));
  const seconds = numberOf('seconds', String(options['seconds'] ?? 60));
  const script = join(import.meta.dirname, 'counters-world.ts');
  const program = [process.execPath, script, `--rounds=${rounds}`, `--seconds=${seconds}`];
  const world = spawn(
    'unshare',
    ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--', ...program],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  world.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [status] = await once(world, 'close');
  if (status !== 0) throw new Error(`the rounds ended with ${status}`);
  const measuredRounds = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Round);
  return [
    measured(COST.metric, median(measuredRounds.map(({ netfall }) => netfall)), COST.goal),
    {
      metric: 'of_node_exporter',
      value: median(measuredRounds.map(({ netfall, nodeExporter }) => netfall / nodeExporter)),
    },
  ];
}

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const programs = { ip: 'iproute2', unshare: 'util-linux', 'prometheus-node-exporter': '' };
  for (const [program, pack] of Object.entries(programs)) {
    if (spawnSync(program, ['--version']).error)
      return `needs ${program}: apt-get install ${pack || program}`;
  }
  return undefined;
}
