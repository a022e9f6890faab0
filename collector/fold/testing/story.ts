/** Builds logs for tests: hosts that report, collectors that speak, and time that passes. */
import {
  type Change,
  type Command,
  collectorSubject,
  type Drop,
  type DropSample,
  type Entry,
  type Envelope,
  encodeEntry,
  hostSubject,
  type Item,
  type Silence,
  type StoredReading,
} from '@netfall/proto';
import { canonicalJson, type FoldConfig, INITIAL_CONFIG } from '../config.ts';
import type { FoldEntry, Rules } from '../fold.ts';

export const CELL = 'test';
/** When stories begin: 2023-11-14 22:13:20 UTC. */
export const START_US = 1_700_000_000_000_000;

export const testRules: Rules = {
  // Counted for tests alone, so that they may have a later release.
  version: 1,
  cell: CELL,
  catalogDigest: 'catalog-1',
  classify: (reason) => ({ alarm: reason === 'QUEUE_PURGE' ? 'never' : 50, severity: 'warning' }),
  classifyCounter: (counter) =>
    counter === 'rx_missed_errors' ? { alarm: 50, severity: 'warning' } : undefined,
  initialConfig: INITIAL_CONFIG,
  readConfig: (json) => JSON.parse(json) as FoldConfig,
};

export interface Report {
  /** Events a second by "REASON/function", or "REASON/function/protocol". */
  readonly drops?: Readonly<Record<string, number>>;
  /** How long the window was; 1 s unless said. */
  readonly windowS?: number;
  /** Packets a second in the window; 1000 unless said. */
  readonly traffic?: number;
  /** By how much the host's clock is ahead, s. */
  readonly clockS?: number;
  /** Packets that were sampled; without `drops` there is no report for them. */
  readonly samples?: readonly DropSample[];
  readonly items?: readonly Item[];
  readonly losses?: Envelope['losses'];
  readonly incarnation?: string;
  readonly seq?: number;
  readonly oldestSeq?: number;
  readonly intervalMs?: number;
  /** States by name, e.g. { 'kfree-skb': 4 }. */
  readonly sources?: Readonly<Record<string, number>>;
}

/** A log in the making. Times, as the log stamps them, are seconds from its start. */
export class Story {
  readonly entries: FoldEntry[] = [];
  readonly #numbers = new Map<string, number>();
  #sequence = 0;

  /** Appends any entry. */
  say(atS: number, subject: string, entry: Entry | Uint8Array): FoldEntry {
    const data = entry instanceof Uint8Array ? entry : encodeEntry(entry);
    const stored = { sequence: ++this.#sequence, timeUs: START_US + Math.round(atS * 1e6), subject, data };
    this.entries.push(stored);
    return stored;
  }

  /** A host's message, with a heartbeat and, when it drops anything, a drop report. */
  report(atS: number, host: string, report: Report = {}): FoldEntry {
    const incarnation = report.incarnation ?? '0001';
    const key = `${host}/${incarnation}`;
    const seq = report.seq ?? (this.#numbers.get(key) ?? 0) + 1;
    this.#numbers.set(key, Math.max(seq, this.#numbers.get(key) ?? 0));
    const windowUs = Math.round((report.windowS ?? 1) * 1e6);
    const envelope: Envelope = {
      cell: CELL,
      host_id: host,
      incarnation,
      seq,
      oldest_seq: report.oldestSeq ?? 1,
      boot_id: 'boot',
      observed_us: START_US + Math.round((atS + (report.clockS ?? 0)) * 1e6),
      losses: report.losses ?? [],
      items: [
        {
          heartbeat: {
            agent_version: '1',
            interval_ms: report.intervalMs ?? 10_000,
            sources: Object.entries(report.sources ?? {}).map(([name, state]) => {
              return { name, state, detail: state === 4 ? 'switched off by ann' : '', mend: '' };
            }),
            spool_messages: 1,
            spool_bytes: 100,
          },
        },
        ...(report.drops ? [{ drop_report: dropReport(report, report.drops, windowUs) }] : []),
        ...(report.items ?? []),
      ],
    };
    return this.say(atS, hostSubject(CELL, host), { envelope });
  }

  tick(atS: number): FoldEntry {
    return this.say(atS, collectorSubject(CELL, 'tick'), { tick: { replica: 'r' } });
  }

  /** A tick a second, so that time passes as live time. */
  ticks(fromS: number, toS: number): void {
    for (let at = fromS; at <= toS; at++) this.tick(at);
  }

  epoch(
    atS: number,
    config: Partial<FoldConfig> = {},
    version = testRules.version,
    catalog = 'catalog-1',
  ): FoldEntry {
    return this.say(atS, collectorSubject(CELL, 'epoch'), {
      epoch: {
        fold_version: version,
        config_digest: 'digest',
        catalog_digest: catalog,
        config: canonicalJson({ ...INITIAL_CONFIG, ...config }),
      },
    });
  }

  claim(atS: number, holder: string, leaseS: number): FoldEntry {
    return this.say(atS, collectorSubject(CELL, 'claim'), { claim: { holder, lease_us: leaseS * 1e6 } });
  }

  /** Operators switch these off for so many seconds, and all others on. */
  switches(atS: number, off: Readonly<Record<string, number>>): FoldEntry {
    const switches = Object.entries(off).map(([source, seconds]) => {
      const until_us = START_US + Math.round((atS + seconds) * 1e6);
      return { source, until_us, hosts: [], labels: [], why: 'test', by: 'ann' };
    });
    return this.say(atS, collectorSubject(CELL, 'switches'), { switches: { switches, by: 'ann' } });
  }

  /** What a parser reads off a log that was stored. */
  read(atS: number, reading: StoredReading): FoldEntry {
    return this.say(atS, collectorSubject(CELL, 'reading'), { reading });
  }

  /** Somebody announces a change, which begins at once unless said. */
  change(atS: number, id: string, part: Partial<Change> = {}): FoldEntry {
    const change = {
      id,
      kind: 'deployment',
      summary: id,
      at_us: 0,
      attributes: [],
      hosts: [],
      by: 'ci',
      url: '',
    };
    return this.say(atS, collectorSubject(CELL, 'change'), { change: { ...change, ...part } });
  }

  /** Ann decides something. */
  command(atS: number, kind: Omit<Command, 'by' | 'comment'>, comment = ''): FoldEntry {
    return this.say(atS, collectorSubject(CELL, 'command'), { command: { by: 'ann', comment, ...kind } });
  }

  /** Ann silences rack r12, unless said, for so many seconds. */
  silence(atS: number, id: string, seconds: number, part: Partial<Silence> = {}, comment = ''): FoldEntry {
    const until_us = (part.from_us || START_US + Math.round(atS * 1e6)) + seconds * 1_000_000;
    const matchers = [{ name: 'rack', value: 'r12', not: false }];
    const silence = { id, matchers, from_us: 0, until_us, maintenance: false };
    return this.command(atS, { silence: { ...silence, ...part } }, comment);
  }

  delivered(atS: number, notificationId: string, sink: string, error = ''): FoldEntry {
    const delivered = { notification_id: notificationId, sink, holder: 'r', attempts: 1, error };
    return this.say(atS, collectorSubject(CELL, 'delivered'), { delivered });
  }
}

/** A packet of the signal "REASON/function". */
export function aSample(signal: string, part: Partial<DropSample> = {}): DropSample {
  const [reason = '', fn = ''] = signal.split('/');
  const ends = { source: '10.1.2.3', source_port: 51_514, destination: '10.9.0.4', destination_port: 8125 };
  return {
    observed_us: START_US,
    reason,
    function: fn,
    origin: 1,
    trap: '',
    interface: 'eth0',
    namespace: 'pod shop/web-1',
    length: 70,
    flows: [{ ...ends, protocol: 'UDP', detail: '', vlans: [], tunnel_id: 0 }],
    header: new Uint8Array(64),
    ether_type: 0,
    ...part,
  };
}

function dropReport(
  { traffic = 1000, samples = [] }: Report,
  drops: Readonly<Record<string, number>>,
  windowUs: number,
) {
  return {
    window_us: windowUs,
    received_packets: Math.round((traffic * windowUs) / 1e6),
    sent_packets: 0,
    other: null,
    samples: [...samples],
    drops: Object.entries(drops).map(([key, rate]): Drop => {
      const [reason = '', fn = '', protocol = 'IPv4'] = key.split('/');
      const events = Math.round((rate * windowUs) / 1e6);
      return {
        reason,
        function: fn,
        offset: 16,
        module: '',
        protocol,
        origin: 1,
        trap: '',
        events,
        packets: events,
        bytes: events * 100,
      };
    }),
  };
}
