/**
 * What an alert of the drop monitor costs our source, against Debian's dropwatch, on Linux 6.12 in a VM.
 *
 *   npm run bench -- drop-monitor [--rounds=7] [--count=8000] [--rate=2000] [--json]
 *
 * Needs dropwatch, and what a VM needs. Run it alone. Datagrams to a closed port, `count` at a time and `rate` a second,
 * while nobody watches, our source does, or dropwatch does, in turn: drop-monitor-rounds.ts, which also checks what
 * both received. The VM has one processor, so that time in it is that of what runs. Medians of `rounds`.
 */
import { whyNoDropwatch } from '../vm/dropwatch.ts';
import { whyNoVm } from '../vm/qemu.ts';
import { bootVm } from '../vm/vm.ts';
import type { Stretch } from './drop-monitor-rounds.ts';
import { median } from './paired-cost.ts';
import { measured, type Options, type Result, unmeasured } from './result.ts';

const KERNEL = '6.12';
const HOUR_MS = 3_600_000;
const COST = { metric: 'cpu_per_packet_alert_vs_dropwatch', goal: '<=0.5' } as const;

export async function run(options: Options): Promise<Result[]> {
  const why = whyNoDropwatch() ?? (await whyNoVm(KERNEL));
  if (why !== null) return [unmeasured(COST.metric, COST.goal, why)];
  const { rounds = 7, count = 8_000, rate = 2_000 } = options;
  await using vm = await bootVm({ kernel: KERNEL, memoryMb: 1024, cpus: 1 });
  const script = `node test/bench/drop-monitor-rounds.ts --rounds=${rounds} --count=${count} --rate=${rate}`;
  const { status, stdout, stderr } = await vm.run(script, { timeoutMs: HOUR_MS });
  if (status !== 0) throw new Error(`the rounds in the VM ended with ${status}: ${stderr}`);
  const stretches = String(stdout)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Stretch);
  const of = (observer: Stretch['observer']) => stretches.filter((stretch) => stretch.observer === observer);
  const [nobody, ours, dropwatch] = [of('nobody'), of('netfall'), of('dropwatch')];
  const ratio = (us: 'processUs' | 'guestUs') =>
    median(nobody.map((base, i) => perAlert(ours[i]!, base, us) / perAlert(dropwatch[i]!, base, us)));
  return [
    measured(COST.metric, ratio('processUs'), COST.goal),
    { metric: 'guest_cpu_per_packet_alert_vs_dropwatch', value: ratio('guestUs') },
  ];
}

/** Beyond what the flood itself takes; in the observer's process that is nothing. */
function perAlert(stretch: Stretch, nobody: Stretch, us: 'processUs' | 'guestUs'): number {
  return (stretch[us] - nobody[us]) / stretch.received;
}
