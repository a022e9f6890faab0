/** The sources that are asked what they see, as scenarios need them. */
import type { Source } from '../../agent/source.ts';
import { DropMonitorSource } from '../../agent/sources/drop-monitor/source.ts';
import { KfreeSkbSource } from '../../agent/sources/kfree-skb/source.ts';

export interface Observer extends Disposable, Pick<Source, 'collect'> {
  /** When nothing has come for so long, nothing comes any more. */
  readonly settleMs: number;
}

const nowUs = () => Date.now() * 1000;
const common = { root: '/', samples: false, maxCpuPercent: 100, nowUs };

export const observers: Readonly<Record<string, () => Observer>> = {
  'kfree-skb': () => begin(new KfreeSkbSource({ ...common, maxEntries: 1024 }), 0),
  packet: () => begin(dropMonitor('packet'), 500),
  // A CPU sends its summary a second after the first drop in it.
  summary: () => begin(dropMonitor('summary'), 1500),
};

function dropMonitor(mode: 'packet' | 'summary'): Source {
  return new DropMonitorSource({
    ...common,
    mode,
    // Scenarios lose packets faster than anybody reads, and the same thread sends and reads.
    queueLength: 100_000,
    receiveBufferBytes: 64 * 1024 ** 2,
    truncationBytes: 96,
    hardware: false,
    counting: () => 'drop-monitor',
  });
}

function begin(source: Source, settleMs: number): Observer {
  source.start();
  return {
    collect: (into) => source.collect(into),
    settleMs,
    [Symbol.dispose]: () => source.stop(),
  };
}
