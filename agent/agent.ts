/**
 * The agent: collects from its sources once a second, gathers a window, seals it into a numbered message and hands it to
 * the spool, from which the publisher sends it. It reads, aggregates and publishes; it never decides what is wrong.
 * Every edge (log, clock, disk, sources) comes from outside.
 */
import { readFileSync } from 'node:fs';
import type { Blobs, Clock, Log, Timer } from '@netfall/log';
import {
  encodeEntry,
  hostSubject,
  type Inventory,
  type Item,
  LIMITS,
  type Loss,
  MAX_ENTRY_BYTES,
  type SourceStatus,
} from '@netfall/proto';
import type { Logger } from 'pino';
import type { AgentConfig } from './config.ts';
import { EvidencePublisher, type EvidenceStatus } from './evidence/publisher.ts';
import type { EvidenceStore } from './evidence/store.ts';
import { type HostReader, openHost } from './inventory/inventory.ts';
import type { LastWord } from './last-word.ts';
import { Publisher, type PublisherStatus } from './publisher/publisher.ts';
import { Ledger } from './report/ledger.ts';
import { Pace } from './report/pace.ts';
import { Window } from './report/window.ts';
import { SourceRunner } from './runner.ts';
import { type Election, electCounter } from './sources/election.ts';
import { type SourceContext, type SourceDefinition, sources } from './sources/index.ts';
import type { Draft, SealedMessage, Spool } from './spool/spool.ts';
import { Switches } from './switches.ts';

/** What an agent does with the log. */
export interface AgentLog extends Pick<Log, 'append' | 'watchLast'> {
  readonly evidence: Pick<Blobs, 'put'>;
}

export interface AgentOptions {
  readonly config: AgentConfig;
  /** Stays open when the agent stops. */
  readonly log: AgentLog;
  /** Stays open when the agent stops. One agent at a time. */
  readonly spool: Spool;
  /** Where logs of crashes wait. One agent at a time. */
  readonly evidence: EvidenceStore;
  /** Where what operators have switched off outlives the process; without, each start has to wait for the log. */
  readonly lastWord?: LastWord;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1); default Math.random. */
  readonly random?: () => number;
  /** Default: every source there is, as far as the configuration has it. */
  readonly sources?: readonly SourceDefinition[];
  /** Replaces `/` for everything that is read; default `/`. */
  readonly root?: string;
  /** What the host says of itself; default: read under `root`. */
  readonly host?: HostReader;
}

export interface AgentStatus {
  readonly hostId: string;
  readonly incarnation: string;
  /** The last message sealed; 0 before the first of this run. */
  readonly seq: number;
  readonly sources: readonly SourceStatus[];
  readonly spool: { readonly messages: number; readonly bytes: number; readonly evicted: number };
  readonly publisher: PublisherStatus;
  readonly evidence: EvidenceStatus;
  /** "rest" every 10 s, "fast" every second, "wide" every 30 s. */
  readonly pace: 'rest' | 'fast' | 'wide';
}

export interface Agent {
  readonly hostId: string;
  /** Starts the sources and the timer. Throws only if called twice. */
  start(): void;
  /** Says goodbye and waits up to 3 s for the log to have everything; what it has not stays in spool and evidence. */
  stop(reason: string): Promise<void>;
  status(): AgentStatus;
}

export function createAgent(options: AgentOptions): Agent {
  return new SpoolingAgent(options);
}

const TICK_MS = 1000;
/** A message that is due sooner than this is waited for, so that no tick is much shorter than the others. */
const LONGEST_TICK_MS = 1500;
/** What is urgent is collected this soon, with all that comes meanwhile, and this long after what was so before. */
const URGENT_MS = 20;
const URGENT_EVERY_MS = 100;
const INVENTORY_EVERY_US = 60_000_000;
/** When something is wrong, what its host is made of may just have become another: then it looks this soon again. */
const INVENTORY_AT_NEWS_US = 5_000_000;
const FLUSH_MS = 3000;

const { version }: { version: string } = JSON.parse(
  readFileSync(new URL('./package.json', import.meta.url), 'utf8'),
);

class SpoolingAgent implements Agent {
  readonly hostId: string;
  readonly #options: AgentOptions;
  readonly #host: HostReader;
  readonly #window: Window;
  readonly #pace: Pace;
  readonly #publisher: Publisher;
  readonly #evidence: EvidencePublisher;
  /** Those that count drops first. */
  readonly #runners: readonly SourceRunner[];
  readonly #switches: Switches;
  /** Whether sources of drops were just switched off: others that run cannot say that there are none. */
  #uncounted = false;
  #bootId = '';
  #inventory: Inventory | undefined;
  /** As JSON, to tell whether it changed. */
  #inventoryText = '';
  #inventoryReadUs = 0;
  /** The incarnation that was told of the inventory as it is; empty when none was. */
  #inventoryKnownBy = '';
  /** The sources as the last message said that tells of drops. */
  #toldSources: readonly SourceStatus[] = [];
  readonly #elect: () => Election;
  /** Of the source that counts software's drops. Stands once it has an outcome. */
  #election: Election | undefined;
  #seq = 0;
  #nowUs = 0;
  #started = false;
  #stopping = false;
  /** Runs while something urgent waits to be collected. */
  #urgentTimer: Timer | undefined;
  #urgentUs = 0;
  #sealFailed = false;
  #timer: Timer | undefined;

  constructor(options: AgentOptions) {
    const { config, clock, log, spool, logger } = options;
    this.#options = options;
    const root = options.root ?? '/';
    this.#host = options.host ?? openHost(root, config.labels);
    this.#nowUs = clock.nowUs();
    const inventory = this.#readInventory();
    this.hostId = config.host_id ?? hostIdOf(inventory?.hostname ?? '');
    this.#window = new Window({
      jumpFactor: config.report.jump_factor,
      jumpRate: config.report.jump_rate,
      newSignatureEvents: config.report.new_signature_events,
      maxSamples: config.report.max_samples,
      keepLog: (bytes) => this.#evidence.keep(bytes),
      nowUs: this.#nowUs,
    });
    this.#pace = new Pace({
      intervalUs: config.report.interval_s * 1_000_000,
      wideIntervalUs: Math.max(config.report.interval_s, config.report.wide_interval_s) * 1_000_000,
      startUs: this.#nowUs,
    });
    const definitions = options.sources ?? sources;
    const context: Omit<SourceContext, 'counting'> = {
      root,
      config: config.sources,
      clock,
      urgent: () => this.#hasten(),
      data: config.data === ':memory:' ? undefined : config.data,
      hurry: () => this.#stopping || this.#pace.isFast(this.#nowUs) || this.#pace.isDue(this.#nowUs),
    };
    const isOff = (source: string) => this.#switches.offBecause(source, this.#nowUs) !== undefined;
    this.#elect = () => electCounter(definitions, config.count_drops_with, context, isOff);
    const counting = () => this.#counting();
    this.#runners = [
      ...definitions.filter(({ counts }) => counts === 'drops'),
      ...definitions.filter(({ counts }) => counts !== 'drops'),
    ].map((definition) => {
      return new SourceRunner(
        definition,
        { ...context, counting },
        this.#window.collector(definition.name),
        logger,
      );
    });
    this.#publisher = new Publisher({
      spool,
      log,
      clock,
      logger,
      random: options.random ?? Math.random,
      hostId: this.hostId,
      subject: hostSubject(config.cell, this.hostId),
      lost: (hop, count) => this.#window.loss('spool', hop, count),
    });
    this.#evidence = new EvidencePublisher({
      store: options.evidence,
      log,
      maxLogs: config.evidence.max_logs,
      maxBytes: config.evidence.max_bytes,
      clock,
      random: options.random ?? Math.random,
      logger,
      lost: (hop, count) => this.#window.loss('evidence', hop, count),
    });
    this.#switches = new Switches({
      log,
      lastWord: options.lastWord,
      cell: config.cell,
      hostId: this.hostId,
      labels: () => this.#inventory?.labels ?? [],
      clock,
      logger,
      changed: () => this.#obeySwitches(),
    });
  }

  start(): void {
    if (this.#started) throw new Error('the agent was started before: make a new one');
    this.#started = true;
    this.#bootId = this.#host.bootId();
    this.#switches.recall();
    this.#evidence.start();
    for (const runner of this.#runners) runner.start(this.#nowUs, this.#offBecause(runner));
    this.#switches.start();
    this.#publisher.wake();
    this.#schedule();
  }

  async stop(reason: string): Promise<void> {
    if (!this.#started || this.#stopping) return;
    this.#stopping = true;
    this.#timer?.cancel();
    this.#urgentTimer?.cancel();
    this.#switches.stop();
    for (const runner of this.#runners) runner.finish();
    this.#collect();
    // As many as a message takes, and the window, which has room for more then.
    while (this.#sealCrashes()) this.#collectFrom('crashes');
    this.#seal({ goodbye: { reason: reason.slice(0, LIMITS.string) } });
    for (const runner of this.#runners) runner.stop();
    const [flushed, taken] = await Promise.all([
      this.#publisher.flush(FLUSH_MS),
      this.#evidence.flush(FLUSH_MS),
    ]);
    this.#publisher.stop();
    this.#evidence.stop();
    const { logger, spool } = this.#options;
    if (!flushed) {
      logger.warn(
        `${spool.messages} messages are not in the log yet: they stay in the spool until the next start`,
      );
    }
    if (!taken) {
      logger.warn(
        `${this.#evidence.status.logs} logs of crashes are not in the log's evidence yet: they stay in the data folder until the next start`,
      );
    }
  }

  status(): AgentStatus {
    const { messages, bytes, evicted, incarnation } = this.#options.spool;
    return {
      hostId: this.hostId,
      incarnation,
      seq: this.#seq,
      sources: this.#runners.map((runner) => runner.status),
      spool: { messages, bytes, evicted },
      publisher: this.#publisher.status,
      evidence: this.#evidence.status,
      pace: this.#pace.pressed ? 'wide' : this.#pace.isFast(this.#nowUs) ? 'fast' : 'rest',
    };
  }

  #schedule(): void {
    const untilDueMs = (this.#pace.dueUs - this.#options.clock.nowUs()) / 1000;
    const ms = untilDueMs > 0 && untilDueMs <= LONGEST_TICK_MS ? Math.ceil(untilDueMs) : TICK_MS;
    this.#timer = this.#options.clock.setTimer(ms, () => {
      this.#tick();
      this.#schedule();
    });
  }

  /** Has crashes collected soon, apart from the ticks: drops and counters are judged by how much moves from tick to tick. */
  #hasten(): void {
    if (this.#urgentTimer || this.#stopping || !this.#timer) return;
    const { clock } = this.#options;
    const sinceMs = Math.max(0, (clock.nowUs() - this.#urgentUs) / 1000);
    this.#urgentTimer = clock.setTimer(Math.max(URGENT_MS, Math.ceil(URGENT_EVERY_MS - sinceMs)), () => {
      this.#urgentTimer = undefined;
      this.#nowUs = clock.nowUs();
      this.#urgentUs = this.#nowUs;
      this.#window.begin(this.#nowUs);
      this.#collectFrom('crashes');
      this.#tellCrashes();
    });
  }

  /** Sends what there is of crashes. Nothing comes before the first message, which tells who the host is. */
  #tellCrashes(): void {
    if (this.#seq === 0) return;
    const told = this.#sealCrashes();
    this.#publisher.wake();
    // Those that had no room in the message go with the next one.
    if (told && this.#window.hasCrashes) this.#hasten();
  }

  #tick(): void {
    this.#obeySwitches();
    this.#collect();
    this.#pace.load(this.#publisher.ackUs(this.#nowUs), this.#options.spool.fill);
    if (this.#pace.isDue(this.#nowUs)) this.#seal();
    this.#tellCrashes();
    this.#publisher.wake();
  }

  /** One round over all sources, those of drops first: what they say may be why the others should look now. */
  #collect(): void {
    this.#nowUs = this.#options.clock.nowUs();
    this.#window.begin(this.#nowUs);
    this.#collectFrom('drops');
    let isNews = this.#window.dropsChanged();
    if (isNews) this.#changed();
    this.#collectFrom('counters');
    if (this.#window.countersChanged()) {
      isNews = true;
      this.#changed();
    }
    this.#collectFrom('crashes');
    this.#lookAfter(isNews ? INVENTORY_AT_NEWS_US : INVENTORY_EVERY_US);
  }

  /** Reads the inventory again unless it was read less than `us` ago. */
  #lookAfter(us: number): void {
    if (Math.abs(this.#nowUs - this.#inventoryReadUs) < us) return;
    const before = this.#inventoryText;
    this.#readInventory();
    if (this.#inventoryText !== before) this.#changed();
  }

  #collectFrom(kind: SourceDefinition['counts']): void {
    for (const runner of this.#runners) {
      if (runner.definition.counts === kind && runner.collect(this.#nowUs)) this.#changed();
    }
  }

  /** Stops and starts sources as operators have switched them, and says so at once. */
  #obeySwitches(): void {
    if (this.#stopping) return;
    this.#nowUs = this.#options.clock.nowUs();
    const turned = this.#runners.filter((runner) => runner.differs(this.#offBecause(runner)));
    if (turned.length === 0) return;
    this.#window.begin(this.#nowUs);
    const counting = turned.filter(({ running, definition }) => running && definition.counts === 'drops');
    for (const runner of counting) runner.collect(this.#nowUs);
    // What they counted goes out first: the message that tells of the switch then says that nobody counts any more.
    if (counting.length > 0 && this.#seq > 0) this.#seal();
    const elected = this.#election?.source;
    for (const runner of turned) runner.switchTo(this.#offBecause(runner), this.#nowUs);
    // One that was left alone until now may turn out not to work here.
    if (elected && this.#counting() !== elected) {
      for (const runner of this.#runners) if (runner.definition.election) runner.restart(this.#nowUs);
    }
    this.#changed();
    this.#uncounted = counting.length > 0;
    if (this.#seq > 0) this.#seal();
    this.#uncounted = false;
  }

  #offBecause({ definition }: SourceRunner): string | undefined {
    return this.#switches.offBecause(definition.name, this.#nowUs);
  }

  #changed(): void {
    this.#pace.changed(this.#nowUs);
  }

  /** Closes the window into a message. If that cannot be stored, the window goes on and the next tick tries again. */
  #seal(goodbye?: Item): void {
    if (!this.#store((draft) => this.#write(draft, goodbye))) return;
    this.#inventoryKnownBy = this.#options.spool.incarnation;
    this.#toldSources = this.#sources();
    this.#window.reported();
    this.#pace.sealed(this.#nowUs);
    this.#publisher.wake();
  }

  /**
   * Makes a message of crashes alone: the window goes on, since what moved in it would be of a time that nobody measured.
   * Returns whether there were any, and they could be stored.
   */
  #sealCrashes(): boolean {
    if (!this.#window.hasCrashes) return false;
    const stored = this.#store((draft) => {
      // That a source was switched off, in a message without drops, would say that nobody counts any more.
      const heartbeat = this.#heartbeat(draft, this.#toldSources);
      // With an eviction the inventory may have gone.
      if (draft.carried.length > 0) this.#inventoryKnownBy = '';
      const losses = new Ledger().losses(draft.carried);
      for (let most = LIMITS.items - 1; ; most = Math.floor(most / 2)) {
        const data = this.#encode(draft, [{ heartbeat }, ...this.#window.crashes(most)], losses);
        if (data.length <= MAX_ENTRY_BYTES || most === 1) return { data, losses };
      }
    });
    if (stored) this.#window.crashesReported();
    return stored;
  }

  /** Numbers a message and stores it. Returns whether it could be; that it could not is said once. */
  #store(build: (draft: Draft) => SealedMessage): boolean {
    const { spool, logger } = this.#options;
    try {
      this.#seq = spool.append(build);
    } catch (error) {
      if (!this.#sealFailed) {
        const why = error instanceof Error ? error.message : String(error);
        logger.error(`no message can be stored: ${why}; counting goes on, and is reported once it can`);
      }
      this.#sealFailed = true;
      return false;
    }
    if (this.#sealFailed) logger.info('messages can be stored again');
    this.#sealFailed = false;
    return true;
  }

  #encode(draft: Draft, items: readonly Item[], losses: readonly Loss[]): Uint8Array {
    return encodeEntry({
      envelope: {
        cell: this.#options.config.cell,
        host_id: this.hostId,
        incarnation: draft.incarnation,
        seq: draft.seq,
        oldest_seq: draft.oldestSeq,
        boot_id: this.#bootId,
        observed_us: Math.max(0, this.#nowUs),
        items: [...items],
        losses: [...losses],
      },
    });
  }

  #write(draft: Draft, goodbye: Item | undefined): SealedMessage {
    const { config } = this.#options;
    const items: Item[] = [{ heartbeat: this.#heartbeat(draft, this.#sources()) }];
    // Told again after an eviction, with which it may have gone.
    if (this.#inventory && (this.#inventoryKnownBy !== draft.incarnation || draft.carried.length > 0)) {
      items.push({ inventory: this.#inventory });
    }
    if (goodbye) items.push(goodbye);
    const limits = {
      drops: config.report.max_drops,
      counters: LIMITS.counters as number,
      samples: LIMITS.samples as number,
    };
    const countsDrops = this.#runs('drops') && !this.#uncounted;
    const audited = countsDrops && this.#runs('counters') ? this.#counting() : '';
    for (;;) {
      const report = this.#window.report(limits, audited);
      const reports: Item[] = [];
      if (report.hasDrops || countsDrops) reports.push({ drop_report: report.drops });
      if (report.hasCounters || this.#runs('counters')) reports.push({ counter_report: report.counters });
      const cut = { source: 'agent', hop: 'report_full', count: report.cutCounters };
      const losses = this.#window.losses(cut.count > 0 ? [...draft.carried, cut] : draft.carried);
      const data = this.#encode(draft, [...items, ...reports], losses);
      if (data.length <= MAX_ENTRY_BYTES || limits.drops + limits.counters === 0) return { data, losses };
      limits.samples = 0;
      limits.drops = Math.floor(limits.drops / 2);
      limits.counters = Math.floor(limits.counters / 2);
    }
  }

  #sources(): readonly SourceStatus[] {
    return this.#runners.slice(0, LIMITS.sources).map((runner) => runner.status);
  }

  #heartbeat({ messages, bytes }: Draft, sources: readonly SourceStatus[]) {
    return {
      agent_version: version,
      interval_ms: Math.ceil(this.#pace.promiseUs() / 1000),
      sources: [...sources],
      spool_messages: messages,
      spool_bytes: bytes,
    };
  }

  /** Whether a source runs that sees all of these, so that none is known to be none. */
  #runs(kind: SourceDefinition['counts']): boolean {
    return this.#runners.some(({ running, definition }) => {
      const adds = definition.election === 'adds' && this.#election?.source !== definition.name;
      return running && definition.counts === kind && !adds;
    });
  }

  #counting(): string {
    if (!this.#election?.source || this.#election.untried) this.#election = this.#elect();
    return this.#election.source;
  }

  #readInventory(): Inventory | undefined {
    this.#inventoryReadUs = this.#nowUs;
    try {
      const inventory = this.#host.inventory();
      const text = JSON.stringify(inventory);
      if (text !== this.#inventoryText) {
        this.#inventory = inventory;
        this.#inventoryText = text;
        this.#inventoryKnownBy = '';
      }
    } catch (error) {
      this.#options.logger.warn(
        `the inventory cannot be read: ${error instanceof Error ? error.message : error}`,
      );
    }
    return this.#inventory;
  }
}

/** A host's id by default: its name, with "-" for what may not stand in a subject. */
function hostIdOf(hostname: string): string {
  return hostname.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 64) || 'localhost';
}
