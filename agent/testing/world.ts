/**
 * A small world for tests of whole agents: one clock, one log, one spool, and sources that count what the test says.
 * Agents can be stopped, killed and started again in it.
 */
import type { Blobs, Clock, Outgoing, Stored } from '@netfall/log';
import {
  checkEntry,
  collectorSubject,
  decodeEntry,
  type Envelope,
  encodeEntry,
  type Inventory,
  type SourceSwitch,
} from '@netfall/proto';
import pino from 'pino';
import { type Agent, createAgent } from '../agent.ts';
import { completeConfig } from '../config.ts';
import { type EvidenceStore, openEvidence } from '../evidence/store.ts';
import type { LastWord } from '../last-word.ts';
import type { Collector, DropRow, Probe, Source } from '../source.ts';
import type { SourceDefinition } from '../sources/index.ts';
import type { Spool } from '../spool/spool.ts';
import { openSpool } from '../spool/sqlite-spool.ts';
import { FakeClock } from './fake-clock.ts';
import { FlakyLog } from './flaky-log.ts';

/** A source whose every answer the test decides. */
export class ScriptedSource {
  readonly name: string;
  readonly counts: SourceDefinition['counts'];
  probe: Probe = { state: 'ok', detail: 'scripted' };
  /** What the next collection says; emptied by it. */
  readonly pending: ((into: Collector) => void)[] = [];
  /** Thrown by the next start or collection. */
  failure: Error | undefined;
  starts = 0;
  stops = 0;
  probes = 0;
  finishes = 0;
  hurry = () => false;
  urgent = () => {};
  /** The elected source, as the context tells. */
  counting = () => '';
  /** What it remarks after a collection. */
  said = '';
  readonly #election: SourceDefinition['election'];

  constructor(
    name: string,
    counts: SourceDefinition['counts'] = 'drops',
    election?: SourceDefinition['election'],
  ) {
    this.name = name;
    this.counts = counts;
    this.#election = election;
  }

  get definition(): SourceDefinition {
    return {
      name: this.name,
      enabledByDefault: true,
      counts: this.counts,
      ...(this.#election && { election: this.#election }),
      create: ({ hurry, urgent, counting }) => {
        this.hurry = hurry;
        this.urgent = urgent;
        this.counting = counting;
        return this.#source();
      },
    };
  }

  drop(events: number, row: Partial<DropRow> = {}): void {
    const whole = { reason: 'NO_SOCKET', function: 'f', offset: 0, module: '', protocol: 'IPv4', ...row };
    this.pending.push((into) => into.drop({ ...whole, events, packets: events, bytes: events * 100 }));
  }

  #source(): Source {
    return {
      name: this.name,
      probe: () => {
        this.probes++;
        return this.probe;
      },
      start: () => {
        this.starts++;
        this.#fail();
      },
      collect: (into) => {
        this.#fail();
        for (const say of this.pending.splice(0)) say(into);
      },
      remark: () => this.said,
      finish: () => {
        this.finishes++;
      },
      stop: () => {
        this.stops++;
      },
    };
  }

  #fail(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
  }
}

export const INVENTORY: Inventory = {
  hostname: 'web-1.example',
  addresses: ['192.0.2.1'],
  gateway: '',
  gateway_mac: '',
  subnet: '',
  kernel: '6.12.0',
  image: '',
  cmdline_digest: '',
  vendor: '',
  product: '',
  cpu: '',
  microcode: '',
  nics: [],
  labels: [],
};

export class World {
  readonly clock = new FakeClock();
  readonly flaky = new FlakyLog(this.clock);
  readonly lines: string[] = [];
  readonly sources: readonly ScriptedSource[];
  spool: Spool;
  readonly evidence: EvidenceStore = openEvidence(':memory:');
  /** What agents kept of what operators said. */
  word: Stored | undefined;
  /** Thrown when they read or write it. */
  wordFailure: Error | undefined;
  agent: Agent | undefined;
  inventory = INVENTORY;
  #kill = () => {};
  #random = 1;
  readonly #config: unknown;
  readonly #maxMessages: number;

  constructor(sources: readonly ScriptedSource[], options: { config?: unknown; maxMessages?: number } = {}) {
    this.sources = sources;
    this.#config = options.config ?? {};
    this.#maxMessages = options.maxMessages ?? 10_000;
    this.spool = this.#openSpool();
  }

  start(): Agent {
    let alive = true;
    this.#kill = () => {
      alive = false;
    };
    // What a killed process set in motion has no effect on it any more.
    const clock: Clock = {
      nowUs: () => this.clock.nowUs(),
      setTimer: (ms, fn) => this.clock.setTimer(ms, () => alive && fn()),
    };
    const whileAlive =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        const [outcome] = await Promise.allSettled([call(...args)]);
        if (!alive) return new Promise<never>(() => {});
        if (outcome.status === 'rejected') throw outcome.reason;
        return outcome.value;
      };
    const log = new Proxy(this.flaky.log, {
      get: (target, name): unknown => {
        if (name === 'watchLast') {
          return async function* (subject: string, signal: AbortSignal) {
            for await (const newest of target.watchLast(subject, signal)) {
              if (!alive) return;
              yield newest;
            }
          };
        }
        if (name === 'evidence') {
          const { evidence } = target;
          return { put: whileAlive((...put: Parameters<Blobs['put']>) => evidence.put(...put)) };
        }
        if (name === 'append') return whileAlive((message: Outgoing) => target.append(message));
        return Reflect.get(target, name);
      },
    });
    this.agent = createAgent({
      config: completeConfig(this.#config),
      log,
      spool: this.spool,
      evidence: this.evidence,
      lastWord: this.#lastWord(),
      clock,
      logger: this.#logger(),
      random: () => this.#nextRandom(),
      sources: this.sources.map(({ definition }) => definition),
      host: { bootId: () => 'boot', inventory: () => this.inventory },
    });
    this.agent.start();
    return this.agent;
  }

  kill(): void {
    this.#kill();
    this.agent = undefined;
  }

  async stop(reason = 'SIGTERM'): Promise<void> {
    const stopped = this.agent?.stop(reason);
    await this.clock.advance(3000);
    await stopped;
    this.agent = undefined;
  }

  wipeSpool(): void {
    this.spool.close();
    this.spool = this.#openSpool();
  }

  /** Operators switch these off, and all others on. */
  async switchOff(...switches: readonly Partial<SourceSwitch>[]): Promise<void> {
    const off = { source: 'drops', until_us: this.clock.nowUs() + 60_000_000, hosts: [], labels: [] };
    const entry = {
      switches: { switches: switches.map((one) => ({ ...off, why: '', by: '', ...one })), by: '' },
    };
    await this.say(encodeEntry(entry));
  }

  /** Appends to the log's subject for switches. */
  async say(data: Uint8Array): Promise<void> {
    const { sequence } = (await this.flaky.stored()).at(-1) ?? { sequence: 0 };
    await this.flaky.log.append({
      subject: collectorSubject('default', 'switches'),
      id: `s${sequence}`,
      data,
    });
    await this.clock.advance(0);
  }

  /** Every message in the log, checked, each once, in the order of the log. */
  async messages(): Promise<Envelope[]> {
    const messages = new Map<string, Envelope>();
    for (const { data, subject } of await this.flaky.stored()) {
      const entry = decodeEntry(data);
      const problem = checkEntry(entry, subject);
      if (subject.endsWith('.switches')) continue;
      if (problem !== null || !entry.envelope) throw new Error(problem ?? 'no envelope');
      const key = `${entry.envelope.incarnation}/${entry.envelope.seq}`;
      if (!messages.has(key)) messages.set(key, entry.envelope);
    }
    return [...messages.values()];
  }

  async close(): Promise<void> {
    this.kill();
    this.spool.close();
    await this.flaky.close();
  }

  #lastWord(): LastWord {
    const fail = () => {
      if (this.wordFailure) throw this.wordFailure;
    };
    return {
      read: () => {
        fail();
        return this.word;
      },
      write: (entry) => {
        fail();
        this.word = entry;
      },
    };
  }

  #openSpool(): Spool {
    return openSpool({
      data: ':memory:',
      maxMessages: this.#maxMessages,
      maxBytes: 64 * 1024 * 1024,
      clock: this.clock,
      random: () => this.#nextRandom(),
      logger: this.#logger(),
    });
  }

  #logger() {
    return pino({ base: null, timestamp: false }, { write: (line) => this.lines.push(JSON.parse(line).msg) });
  }

  /** A linear congruential generator: the same world every time. */
  #nextRandom(): number {
    this.#random = (this.#random * 1_103_515_245 + 12_345) % 2 ** 31;
    return this.#random / 2 ** 31;
  }
}

/** Events of every drop that messages tell of. */
export function eventsIn(messages: readonly Envelope[]): number {
  let events = 0;
  for (const { items } of messages) {
    for (const { drop_report } of items) {
      for (const drop of drop_report?.drops ?? []) events += drop.events;
      events += drop_report?.other?.events ?? 0;
    }
  }
  return events;
}

/** What messages say was lost at a hop. */
export function lossesIn(messages: readonly Envelope[], hop: string): number {
  const losses = messages.flatMap((message) => message.losses.filter((loss) => loss.hop === hop));
  return losses.reduce((sum, { count }) => sum + count, 0);
}
