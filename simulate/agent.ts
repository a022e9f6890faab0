/**
 * One host's agent: when it speaks, and what it says. The rules are those of the real agent's pace: every interval at rest,
 * within a second when something changes that matters, and every second for a while after. Must not know why its host has
 * trouble, or what becomes of a message.
 */
import {
  type CounterDelta,
  type Drop,
  DropOrigin,
  type DropSample,
  type Envelope,
  type Heartbeat,
  hostSubject,
  type Item,
  SourceState,
} from '@netfall/proto';
import { type Host, inventoryOf, type Values } from './fleet.ts';
import type { Random } from './random.ts';
import type { Signal } from './signals.ts';
import { Spool } from './spool.ts';

/** The agent collects this often, and at news speaks as often for a while. */
const TICK_US = 1_000_000;
const FAST_FOR_US = 30_000_000;
/** Time until the first message after a start. */
const FIRST_US = 2_000_000;
/** Without an acknowledgement for this long it slows down, to this interval. */
const SLOW_ACK_US = 5_000_000;
const WIDE_INTERVAL_US = 30_000_000;
/** A rate that grows as many times over and above so many events a second is news. */
const JUMP_FACTOR = 4;
const JUMP_RATE = 50;
/** So many events of something unknown are news. */
const NEWS_EVENTS = 5;
const NOBODY: readonly string[] = [];

/** A host's drops or losses of one kind, for a time. Times are µs from the start of the simulation. */
export interface Trouble {
  readonly signal: Signal;
  /** Events a second. */
  readonly rate: number;
  readonly fromUs: number;
  readonly untilUs: number;
  /** Addresses that the packets were for, where that says something. */
  readonly towards: readonly string[];
}

/** What is usual on a host. */
export interface Usual {
  readonly signal: Signal;
  /** Events a second, in the mean. */
  readonly rate: number;
  /** How much a window may differ from that, as a share of it. */
  readonly swing: number;
}

export interface AgentOptions {
  readonly host: Host;
  readonly cell: string;
  readonly intervalUs: number;
  /** When the simulation starts, µs since the epoch, and how far this host's clock is ahead. */
  readonly startUs: number;
  readonly clockUs: number;
  /** When the agent was started, at most an interval ago. */
  readonly sinceUs: number;
  readonly random: Random;
  readonly usual: readonly Usual[];
  /** Packets a second. */
  readonly traffic: number;
}

export class Agent {
  readonly host: Host;
  /** What its messages go to. */
  readonly subject: string;
  readonly #options: AgentOptions;
  readonly #incarnation: string;
  #values: Values;
  /** Whether the log has its values as they are, and from when on they are looked at again. */
  #isTold = false;
  #looksUs = 0;
  #seq = 0;
  #boot = 1;
  #bootId: string;
  #sealedUs: number;
  #fastUntilUs = Number.NEGATIVE_INFINITY;
  /** Nothing was said since it started. */
  #isFresh = true;
  /** When the next message is due; Infinity while the host is down. */
  dueUs: number;
  /** From when to when it cannot reach the log. */
  #cutFromUs = Number.POSITIVE_INFINITY;
  #cutUntilUs = Number.NEGATIVE_INFINITY;
  #troubles: readonly Trouble[] = [];
  #heard: readonly Item[] = [];
  readonly #spool = new Spool();

  constructor(options: AgentOptions) {
    const { host, sinceUs } = options;
    this.#options = options;
    this.host = host;
    this.subject = hostSubject(options.cell, host.id);
    this.#values = host.values;
    this.#bootId = bootId(host.index, this.#boot);
    this.#incarnation = `01${host.index.toString(16).padStart(10, '0')}`;
    this.#sealedUs = sinceUs;
    this.dueUs = sinceUs + FIRST_US;
  }

  get isDown(): boolean {
    return this.dueUs === Number.POSITIVE_INFINITY;
  }

  /** When the log can be reached again, or null while it can. */
  cutUntil(nowUs: number): number | null {
    return nowUs >= this.#cutFromUs && nowUs < this.#cutUntilUs ? this.#cutUntilUs : null;
  }

  /** Trouble begins now. */
  suffer(trouble: Trouble, nowUs: number): void {
    if (this.isDown) return;
    this.#troubles = [...this.#troubles, trouble];
    const usual = this.#options.usual.find(({ signal }) => signal === trouble.signal)?.rate ?? 0;
    if (usual > 0 && (trouble.rate < JUMP_RATE || trouble.rate < usual * JUMP_FACTOR)) return;
    const newsUs = nowUs + (NEWS_EVENTS / trouble.rate) * 1_000_000;
    this.#hurry(newsUs);
    // New firmware may be why.
    this.#looksUs = Math.min(this.#looksUs, newsUs);
  }

  /** It has other values from now on. */
  become(values: Partial<Values>): void {
    this.#values = { ...this.#values, ...values };
    this.#isTold = false;
    this.#looksUs = Number.POSITIVE_INFINITY;
  }

  /** It looks what its host is made of, as it does from time to time, and tells when that is something else. */
  look(nowUs: number): void {
    this.#looksUs = Math.min(this.#looksUs, nowUs);
    if (!this.#isTold && !this.isDown) this.#hurry(nowUs);
  }

  /** It hears something of another host's crash. */
  hear(item: Item, nowUs: number): void {
    this.#heard = [...this.#heard, item];
    if (!this.isDown) this.#hurry(nowUs);
  }

  /** The log is out of reach; messages wait in the spool. */
  cut(nowUs: number, untilUs: number): void {
    this.#cutFromUs = nowUs;
    this.#cutUntilUs = untilUs;
  }

  /** The host is off: whatever is not sealed is lost. */
  stop(): void {
    this.dueUs = Number.POSITIVE_INFINITY;
    this.#troubles = [];
  }

  /** The host boots. */
  start(nowUs: number): void {
    this.#bootId = bootId(this.host.index, ++this.#boot);
    this.#isTold = false;
    this.#looksUs = nowUs;
    this.#sealedUs = nowUs;
    this.#fastUntilUs = Number.NEGATIVE_INFINITY;
    this.#isFresh = true;
    this.dueUs = nowUs + FIRST_US;
  }

  /** The next message. `goodbye` is why the agent stops, if it does. */
  seal(nowUs: number, goodbye = ''): Envelope {
    const { host, cell, startUs, clockUs } = this.#options;
    const windowUs = Math.max(1, nowUs - this.#sealedUs);
    const items: Item[] = [this.#heartbeat(nowUs)];
    if (!this.#isTold && nowUs >= this.#looksUs) {
      items.push({ inventory: inventoryOf(host, this.#values) });
      this.#isTold = true;
    }
    items.push(...this.#reports(nowUs, windowUs), ...this.#heard);
    this.#heard = [];
    if (goodbye !== '') items.push({ goodbye: { reason: goodbye } });
    const seq = ++this.#seq;
    const envelope: Envelope = {
      cell,
      host_id: host.id,
      incarnation: this.#incarnation,
      seq,
      oldest_seq: this.#spool.oldest ?? seq,
      boot_id: this.#bootId,
      observed_us: startUs + nowUs + clockUs,
      items,
      losses: [],
    };
    this.#sealedUs = nowUs;
    this.#isFresh = false;
    this.dueUs =
      nowUs + (nowUs < this.#fastUntilUs && !this.#isPressed(nowUs) ? TICK_US : this.#promiseUs(nowUs));
    return envelope;
  }

  /** The log has the message that was sealed last only then. */
  awaits(storedUs: number): void {
    this.#spool.add(this.#seq, storedUs);
  }

  #hurry(nowUs: number): void {
    // Before the first message everything looks like news.
    if (this.#isFresh || this.#isPressed(nowUs)) return;
    const { sinceUs } = this.#options;
    const noticedUs = sinceUs + Math.ceil((Math.floor(nowUs) + 1 - sinceUs) / TICK_US) * TICK_US;
    this.#fastUntilUs = noticedUs + FAST_FOR_US;
    this.dueUs = Math.min(this.dueUs, noticedUs);
  }

  #isPressed(nowUs: number): boolean {
    return this.cutUntil(nowUs) !== null && nowUs - this.#cutFromUs > SLOW_ACK_US;
  }

  #promiseUs(nowUs: number): number {
    const { intervalUs } = this.#options;
    return this.#isPressed(nowUs) ? Math.max(intervalUs, WIDE_INTERVAL_US) : intervalUs;
  }

  #heartbeat(nowUs: number): Item {
    this.#spool.acknowledge(nowUs);
    return { heartbeat: heartbeat(this.#promiseUs(nowUs), this.#spool.size) };
  }

  #reports(nowUs: number, windowUs: number): readonly Item[] {
    const { usual, traffic, random } = this.#options;
    const drops: Drop[] = [];
    const counters: CounterDelta[] = [];
    const samples: DropSample[] = [];
    let extra = 0;
    const add = (signal: Signal, mean: number, towards: readonly string[]) => {
      const events = Math.floor(mean + random.next());
      if (events === 0) return;
      if (signal.kind === 'counter') {
        counters.push({ name: signal.name, interface: signal.interface, delta: events, namespace: '' });
        return;
      }
      const known = drops.findIndex(
        ({ reason, function: fn }) => reason === signal.reason && fn === signal.function,
      );
      const row = dropOf(signal, events + (drops[known]?.events ?? 0));
      if (known < 0) drops.push(row);
      else drops[known] = row;
      if (towards.length > 0) samples.push(this.#sample(signal, random.pick(towards), nowUs));
    };
    for (const { signal, rate, swing } of usual) {
      add(signal, rate * (windowUs / 1_000_000) * random.between(1 - swing, 1 + swing), NOBODY);
    }
    if (this.#troubles.length > 0) {
      for (const { signal, rate, fromUs, untilUs, towards } of this.#troubles) {
        const lastedUs = Math.min(nowUs, untilUs) - Math.max(nowUs - windowUs, fromUs);
        const mean = rate * (Math.max(0, lastedUs) / 1_000_000) * random.between(0.75, 1.25);
        extra += Math.ceil(mean);
        if (lastedUs > 0) add(signal, mean, towards);
      }
      this.#troubles = this.#troubles.filter(({ untilUs }) => untilUs > nowUs);
    }
    const packets = Math.round(traffic * (windowUs / 1_000_000) * random.between(0.8, 1.2));
    drops.sort((a, b) => b.packets - a.packets);
    const drop_report = {
      window_us: windowUs,
      received_packets: packets + extra,
      sent_packets: Math.floor(packets * 0.9),
      drops,
      other: null,
      samples,
    };
    // Also when none moved: that a counter stands still is news, too.
    return [{ drop_report }, { counter_report: { window_us: windowUs, counters, audit: null, sockets: [] } }];
  }

  #sample(signal: Extract<Signal, { kind: 'drop' }>, destination: string, nowUs: number): DropSample {
    const { host, startUs, clockUs, random } = this.#options;
    return {
      observed_us: startUs + nowUs + clockUs,
      reason: signal.reason,
      function: signal.function,
      origin: DropOrigin.DROP_ORIGIN_SOFTWARE,
      trap: '',
      interface: 'eth0',
      namespace: '',
      length: signal.bytes,
      flows: [
        {
          source: host.address,
          destination,
          protocol: 'TCP',
          source_port: 32_768 + random.below(28_000),
          destination_port: 443,
          vlans: [],
          tunnel_id: 0,
          detail: 'ACK',
        },
      ],
      header: new Uint8Array(0),
      ether_type: 0,
    };
  }
}

const SOURCES: Heartbeat['sources'] = [
  { name: 'kfree-skb', state: SourceState.SOURCE_STATE_OK, detail: '', mend: '' },
  { name: 'counters', state: SourceState.SOURCE_STATE_OK, detail: '', mend: '' },
];

function heartbeat(promiseUs: number, waiting: number): Heartbeat {
  return {
    agent_version: '0.1.0',
    interval_ms: promiseUs / 1000,
    sources: SOURCES,
    spool_messages: waiting,
    spool_bytes: waiting * 512,
  };
}

function dropOf(
  { reason, function: fn, module, bytes }: Extract<Signal, { kind: 'drop' }>,
  events: number,
): Drop {
  return {
    reason,
    function: fn,
    offset: 64,
    module,
    protocol: reason === 'UNHANDLED_PROTO' ? 'other' : 'IPv4',
    origin: DropOrigin.DROP_ORIGIN_SOFTWARE,
    trap: '',
    events,
    packets: events,
    bytes: events * bytes,
  };
}

function bootId(index: number, boot: number): string {
  const digits = (value: number, length: number) => value.toString(16).padStart(length, '0');
  return `${digits(boot, 8)}-0000-4000-8000-${digits(index, 12)}`;
}
