/**
 * What a sampled packet costs, with its flow, against an event of `perf record -e skb:kfree_skb -a`, which has neither.
 *
 *   npm run bench -- samples [--rounds=20] [--json]
 *
 * Run it alone. A flood of 150 000 datagrams a second to a closed port; every drop becomes a sample, which is read twenty
 * times a second and dissected. Medians of `rounds` pairs.
 */
import { spawnSync } from 'node:child_process';
import { pinToCpu } from '../../agent/kernel/libc.ts';
import { Dissector } from '../../agent/packet/dissect.ts';
import { openKfreeSkb, probeKfreeSkb } from '../../agent/sources/kfree-skb/index.ts';
import { Namespace } from '../load/namespace.ts';
import { CPU, isPerfMissing, pairedCost, type Stretch, underPerf } from './paired-cost.ts';
import { measured, type Options, type Result, unmeasured } from './result.ts';

const READ_EVERY_MS = 50;
const RING_BYTES = 16 * 1024 ** 2;
const UNBOUNDED = 0xffff_ffff;

const GOAL = { cost: '<=0.5', complete: '=1' } as const;

export async function run(options: Options): Promise<Result[]> {
  const probe = probeKfreeSkb();
  const why =
    process.getuid?.() !== 0
      ? 'needs root'
      : probe.state !== 'ok'
        ? `${probe.missing}; ${probe.mend}`
        : spawnSync('ip', ['netns', 'list']).status !== 0
          ? 'needs ip (iproute2)'
          : isPerfMissing()
            ? 'needs perf'
            : undefined;
  if (why !== undefined) return [unmeasured('cpu_per_sample_vs_perf_event', GOAL.cost, why)];
  using namespace = new Namespace('netfall-bench');
  pinToCpu(CPU);
  let counted = 0;
  let sampled = 0;
  let flows = 0;
  const dissector = new Dissector();
  const underOurs = async (stretch: Stretch): Promise<number> => {
    using counter = openKfreeSkb({ samples: { budget: UNBOUNDED, ringBytes: RING_BYTES } });
    const read = () => {
      counter.readSamples((_site, { bytes, start, copied }) => {
        sampled++;
        if (dissector.frame(bytes, start, copied).flowCount > 0) flows++;
      });
    };
    const timer = setInterval(read, READ_EVERY_MS);
    try {
      return await stretch(read);
    } finally {
      clearInterval(timer);
      counter.read((row) => {
        counted += row.events;
      });
      read();
    }
  };
  const { alone, extra } = await pairedCost(namespace, Number(options['rounds'] ?? 20), [
    underOurs,
    underPerf,
  ]);
  const [ours = 0, perf = 0] = extra;
  return [
    measured('cpu_per_sample_vs_perf_event', ours / perf, GOAL.cost),
    { metric: 'samples_per_drop_counted', value: sampled / counted },
    measured('flows_per_sample', flows / sampled, GOAL.complete),
    { metric: 'cpu_per_sample_vs_flood_alone', value: 1 + ours / alone },
    { metric: 'cpu_per_perf_event_vs_flood_alone', value: 1 + perf / alone },
  ];
}
