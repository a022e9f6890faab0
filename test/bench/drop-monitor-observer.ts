/**
 * The process that drop-monitor-rounds.ts measures: the source `drop-monitor` as the agent makes, collects and gathers
 * it, and nothing else of the agent.
 *
 * After SIGTERM it prints `{"events", "lost"}`: drops at the flood's place, and what the source lost.
 */
import { once } from 'node:events';
import { systemClock } from '@netfall/log';
import { completeConfig } from '../../agent/config.ts';
import { Window } from '../../agent/report/window.ts';
import { sources } from '../../agent/sources/index.ts';

const COLLECT_MS = 1_000;

const { report, sources: config } = completeConfig({
  // Emulation is slow, and a source that takes itself off costs nothing.
  sources: { 'drop-monitor': { mode: 'packet', max_cpu_percent: 100 } },
});
const source = sources
  .find(({ name }) => name === 'drop-monitor')!
  .create({
    root: '/',
    config,
    clock: systemClock,
    hurry: () => false,
    urgent: () => {},
    data: undefined,
    counting: () => 'drop-monitor',
  });
const window = new Window({
  jumpFactor: report.jump_factor,
  jumpRate: report.jump_rate,
  newSignatureEvents: report.new_signature_events,
  maxSamples: report.max_samples,
  nowUs: systemClock.nowUs(),
});
const collector = window.collector(source.name);

function collect(): void {
  window.begin(systemClock.nowUs());
  source.collect(collector);
  window.dropsChanged();
}

source.start();
const timer = setInterval(collect, COLLECT_MS);
await once(process, 'SIGTERM');
clearInterval(timer);
collect();
source.stop();
const { drops } = window.report({ drops: report.max_drops, counters: 0, samples: 0 }).drops;
const events = drops
  .filter((drop) => drop.function === '__udp4_lib_rcv')
  .reduce((sum, drop) => sum + drop.events, 0);
const lost = window.losses([]).reduce((sum, { count }) => sum + count, 0);
console.log(JSON.stringify({ events, lost }));
