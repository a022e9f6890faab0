/**
 * Every source of the agent, explicitly. docs/adding-a-source.md tells how to add one. A source's order does not matter;
 * the agent collects those that count drops before the others.
 */
import type { Clock } from '@netfall/log';
import type { AgentConfig } from '../config.ts';
import type { Source } from '../source.ts';
import { CountersSource } from './counters/source.ts';
import { DropMonitorSource } from './drop-monitor/source.ts';
import { KfreeSkbSource } from './kfree-skb/source.ts';
import { KmsgSource } from './kmsg/source.ts';
import { createNetconsole } from './netconsole/source.ts';
import { createNetoops } from './netoops/source.ts';
import { PstoreSource } from './pstore/source.ts';
import { VmcoreDmesgSource } from './vmcore-dmesg/source.ts';

/** What a source may know of the world it runs in. */
export interface SourceContext {
  /** Replaces `/`, so that a fixture tree can stand in for /proc and /sys. */
  readonly root: string;
  readonly config: AgentConfig['sources'];
  readonly clock: Clock;
  /** Whether fresh figures are wanted now: a message is about to be sealed, or one goes out every second. */
  readonly hurry: () => boolean;
  /** Says that what was just found must go out at once: the source is collected from within a few milliseconds. */
  readonly urgent: () => void;
  /** The agent's folder, where a source may keep a file of its name; undefined when nothing outlives the process. */
  readonly data: string | undefined;
  /** The source that counts the drops of software; '' when none can. See election.ts. */
  readonly counting: () => string;
}

export interface SourceDefinition {
  /** Its name in reports, in the configuration and in docs/sources. */
  readonly name: string;
  /** Whether it runs when the configuration does not say. */
  readonly enabledByDefault: boolean;
  /** What it reports: while a source of drops runs, a message without drops says that there were none. */
  readonly counts: 'drops' | 'counters' | 'crashes';
  /**
   * For sources that count the drops of software, of which one alone may: what it does when another one counts. It
   * `yields` and is off, or it `adds` what the other one cannot see. Those earlier in the list are preferred.
   */
  readonly election?: 'yields' | 'adds';
  /** Makes the source; must not touch the kernel yet. */
  create(context: SourceContext): Source;
}

export const sources: readonly SourceDefinition[] = [
  {
    name: 'kfree-skb',
    enabledByDefault: true,
    counts: 'drops',
    election: 'yields',
    create: ({ root, config, clock }) => {
      const { max_entries: maxEntries, samples, namespaces, max_cpu_percent } = config['kfree-skb'];
      return new KfreeSkbSource({
        root,
        maxEntries,
        samples,
        ownNamespace: namespaces === 'own',
        maxCpuPercent: max_cpu_percent,
        nowUs: () => clock.nowUs(),
      });
    },
  },
  {
    name: 'drop-monitor',
    enabledByDefault: true,
    counts: 'drops',
    election: 'adds',
    create: ({ root, config, clock, counting }) => {
      const { mode, truncation, queue_length, receive_buffer_bytes, max_cpu_percent, ...rest } =
        config['drop-monitor'];
      return new DropMonitorSource({
        root,
        ...rest,
        mode: mode === 'summary' ? 'summary' : 'packet',
        truncationBytes: truncation,
        queueLength: queue_length,
        receiveBufferBytes: receive_buffer_bytes,
        maxCpuPercent: max_cpu_percent,
        counting,
        nowUs: () => clock.nowUs(),
      });
    },
  },
  {
    name: 'counters',
    enabledByDefault: true,
    counts: 'counters',
    create: ({ root, config, clock, hurry }) => {
      return new CountersSource({ root, periodS: config.counters.period_s, clock, hurry });
    },
  },
  {
    name: 'netoops',
    enabledByDefault: false,
    counts: 'crashes',
    create: ({ config, root, clock, urgent }) => createNetoops(config.netoops, { root, clock, urgent }),
  },
  {
    name: 'netconsole',
    enabledByDefault: false,
    counts: 'crashes',
    create: ({ config, root, clock, urgent }) => createNetconsole(config.netconsole, { root, clock, urgent }),
  },
  {
    name: 'kmsg',
    enabledByDefault: true,
    counts: 'crashes',
    create: ({ root, config, clock, urgent, data }) => {
      const { max_records_per_hour: maxRecordsPerHour } = config.kmsg;
      return new KmsgSource({ root, maxRecordsPerHour, nowUs: () => clock.nowUs(), urgent, data });
    },
  },
  {
    name: 'pstore',
    enabledByDefault: true,
    counts: 'crashes',
    create: ({ root, clock, data }) => new PstoreSource({ root, nowUs: () => clock.nowUs(), data }),
  },
  {
    name: 'vmcore-dmesg',
    enabledByDefault: true,
    counts: 'crashes',
    create: ({ root, config, clock, data }) => {
      const { folder } = config['vmcore-dmesg'];
      return new VmcoreDmesgSource({ root, folder, nowUs: () => clock.nowUs(), data });
    },
  },
];
