/**
 * A simulated world: agents, the log, collectors and a sink in one process and one simulated time. Everything that can
 * fail does so when it is told to: hosts and collectors are killed and started again, the log is out of reach or loses
 * its acknowledgements, the sink is down, a spool is wiped. The code under test is the real one; only its edges are not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Agent,
  completeConfig,
  createAgent,
  type EvidenceStore,
  openEvidence,
  openSpool,
  type SourceDefinition,
  type Spool,
} from '@netfall/agent';
import { type Log, LogError, type Outgoing, openEmbeddedLog, type ReadOptions } from '@netfall/log';
import { pino } from 'pino';
import { FakeClock } from '../../agent/testing/fake-clock.ts';
import { Reader } from '../../collector/api/reader.ts';
import { INITIAL_CONFIG } from '../../collector/fold/config.ts';
import type { Incident, Notification } from '../../collector/fold/model.ts';
import type { Folding, FoldingEvents } from '../../collector/fold-thread.ts';
import { Folder, type FolderStatus } from '../../collector/folder.ts';
import { createNotifier, type Notifier } from '../../collector/notify/notifier.ts';
import { Replica } from '../../collector/replica.ts';
import { resume } from '../../collector/resume.ts';
import { currentRules } from '../../collector/rules.ts';
import { rowsDigest } from '../../collector/store/digest.ts';
import { Store } from '../../collector/store/store.ts';

const CELL = 'world';
const COMMIT_MS = 50;
const quiet = pino({ level: 'silent' });

/** A host whose only source counts what the script says it dropped. */
class SimulatedHost {
  readonly id: string;
  readonly #world: World;
  #spool: Spool;
  readonly #evidence: EvidenceStore = openEvidence(':memory:');
  #agent: Agent | null = null;
  /** Events a second of NO_SOCKET, now. */
  rate = 0;
  /** Ticks that the source was collected in, all told: each is one loss "script/tick", so that they can be summed. */
  ticks = 0;

  constructor(id: string, world: World) {
    this.id = id;
    this.#world = world;
    this.#spool = this.#newSpool();
  }

  start(): void {
    const { clock, log, random } = this.#world;
    this.#agent = createAgent({
      config: completeConfig({ cell: CELL, host_id: this.id }),
      log: log.as(this.id),
      spool: this.#spool,
      evidence: this.#evidence,
      clock,
      logger: quiet,
      random,
      sources: [this.#source()],
      host: { bootId: () => 'boot', inventory: () => inventory(this.id) },
    });
    this.#agent.start();
  }

  /** Whether counts were lost with a killed process or a wiped spool. */
  damaged = false;

  /** In good order: everything that was counted is sealed and sent. */
  async stop(): Promise<void> {
    const agent = this.#agent;
    this.#agent = null;
    const stopped = agent?.stop('SIGTERM');
    await this.#world.pass(5);
    await stopped;
  }

  /** As by SIGKILL: what was not sealed into the spool is gone. */
  kill(): void {
    this.damaged = true;
    this.#world.log.cut(this.id);
    // Nothing of it runs on: its timers find a closed log, and its messages stay in the spool.
    const agent = this.#agent;
    this.#agent = null;
    void agent?.stop('killed');
  }

  wipe(): void {
    this.damaged = true;
    this.#spool = this.#newSpool();
  }

  get running(): boolean {
    return this.#agent !== null;
  }

  #newSpool(): Spool {
    const { clock, random } = this.#world;
    return openSpool({ data: ':memory:', maxMessages: 10_000, maxBytes: 1e9, clock, random, logger: quiet });
  }

  #source(): SourceDefinition {
    return {
      name: 'script',
      enabledByDefault: true,
      counts: 'drops',
      create: () => ({
        name: 'script',
        probe: () => ({ state: 'ok', detail: 'follows the script' }),
        start: () => {},
        stop: () => {},
        collect: (into) => {
          this.ticks++;
          into.loss('tick', 1);
          if (this.rate === 0) return;
          into.drop({
            reason: 'NO_SOCKET',
            function: '__udp4_lib_rcv',
            offset: 16,
            module: '',
            protocol: 'IPv4',
            events: this.rate,
            packets: this.rate,
            bytes: this.rate * 60,
          });
        },
      }),
    };
  }
}

/** A collector without its HTTP side. */
class SimulatedCollector {
  readonly name: string;
  readonly path: string;
  readonly #world: World;
  #replica: Replica | null = null;
  #notifier: Notifier | null = null;
  #reader: Reader | null = null;
  #folder: Folder | null = null;
  #killed = false;

  constructor(name: string, world: World) {
    this.name = name;
    this.path = join(world.dir, `${name}.db`);
    this.#world = world;
  }

  async start(): Promise<void> {
    const { clock, random, sink } = this.#world;
    const log = this.#world.log.as(this.name);
    const rules = currentRules(CELL);
    const say = { info: () => {}, warn: () => {} };
    await resume({
      path: this.path,
      log,
      rules,
      migrate: () => null,
      say,
      takeOver: async () => 0,
      awaitPeer: async () => {},
    });
    this.#killed = false;
    const { identity } = await log.info();
    const replica = new Replica({
      replica: this.name,
      config: {
        cell: CELL,
        fold: { ...INITIAL_CONFIG, sinks: ['sink'] },
        snapshot_every_s: 30,
        retain_s: 60,
      },
      rules,
      path: this.path,
      log,
      clock,
      say,
      random,
      startFolding: async (events) => this.#startFolding(identity, events),
      onCommit: (status) => this.#reader?.changed(status),
      onFailure: (error) => {
        if (!this.#killed) throw error;
      },
    });
    await replica.start();
    this.#replica = replica;
    this.#reader = new Reader(this.path);
    this.#notifier = createNotifier({
      reader: this.#reader,
      sinks: [{ name: 'sink', send: async (notification) => sink.take(notification, this.name) }],
      mayDeliver: () => replica.mayDeliver(),
      recordDelivered: async (delivered) => {
        await replica.recordDelivered(delivered);
      },
      clock,
      logger: quiet,
      random,
    });
  }

  /** As by SIGKILL: what was folded and not committed is gone, the claim stays as it was. */
  async kill(): Promise<void> {
    this.#killed = true;
    this.#world.log.cut(this.name);
    const [replica, notifier, reader] = [this.#replica, this.#notifier, this.#reader];
    this.#replica = null;
    this.#notifier = null;
    const ended = Promise.all([notifier?.close(), replica?.stop()]);
    await this.#world.clock.advance(0);
    this.#folder?.close();
    this.#folder = null;
    void ended.then(() => reader?.close());
  }

  get running(): boolean {
    return this.#replica !== null;
  }

  /** What the database holds: the digest of its rows, and where it stands. */
  state(): {
    readonly sequence: number;
    readonly digest: string;
    readonly losses: ReadonlyMap<string, number>;
  } {
    const store = new Store(this.path);
    try {
      const loaded = store.load();
      if (!loaded) return { sequence: 0, digest: '', losses: new Map() };
      const ticks = Array.from(loaded.rows.hosts, ({ id, state }) => {
        return [
          id,
          state.losses.find(({ source, hop }) => source === 'script' && hop === 'tick')?.count ?? 0,
        ] as const;
      });
      return {
        sequence: loaded.checkpoint.sequence,
        digest: rowsDigest(loaded.rows),
        losses: new Map(ticks),
      };
    } finally {
      store.close();
    }
  }

  incidents(): readonly Incident[] {
    const store = new Store(this.path);
    try {
      return [...(store.load()?.rows.incidents ?? [])];
    } finally {
      store.close();
    }
  }

  notifications(): readonly Notification[] {
    const store = new Store(this.path);
    try {
      return [...(store.load()?.rows.notifications ?? [])];
    } finally {
      store.close();
    }
  }

  #startFolding(identity: string, events: FoldingEvents): [Folding, FolderStatus] {
    const folder = new Folder(this.path, identity, currentRules(CELL));
    this.#folder = folder;
    const { clock } = this.#world;
    let pending = false;
    const commit = () => {
      pending = false;
      if (this.#folder === folder) events.committed(folder.commit(() => 0));
    };
    const folding: Folding = {
      push: async (entries) => {
        if (this.#folder !== folder || this.#killed) return;
        folder.apply(entries);
        if (!pending) clock.setTimer(COMMIT_MS, commit);
        pending = true;
      },
      close: async () => {
        if (this.#folder !== folder || this.#killed) return;
        folder.commit(() => 0);
        folder.close();
        this.#folder = null;
      },
    };
    return [folding, folder.commit(() => 0)];
  }
}

/** Receives notifications, unless it is down; remembers what it took. */
class SimulatedSink {
  down = false;
  readonly taken: string[] = [];
  /** Called once, as soon as it has taken something: before the sender hears of it. */
  onTaken: ((by: string) => void) | null = null;

  take({ id }: Notification, by: string) {
    if (this.down) return { outcome: 'retry', error: 'the sink is down' } as const;
    this.taken.push(id);
    this.onTaken?.(by);
    this.onTaken = null;
    return { outcome: 'delivered' } as const;
  }
}

/** The one log, and everybody's own way to it. */
class FaultyLog {
  readonly #log: Log;
  readonly #cuts = new Map<string, { cut: boolean }>();
  readonly #random: () => number;
  /** Nobody reaches it. */
  out = false;
  /** The share of appends whose acknowledgement is lost. */
  lostAcks = 0;

  constructor(log: Log, random: () => number) {
    this.#log = log;
    this.#random = random;
  }

  /** The log as `who` sees it, until cut. */
  as(who: string): Log {
    const line = { cut: false };
    this.#cuts.set(who, line);
    const check = () => {
      if (line.cut) throw new LogError('closed', `${who} is gone`);
      if (this.out) throw new LogError('unavailable', 'the log is out of reach');
    };
    const guarded =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        check();
        const result = await call(...args);
        check();
        return result;
      };
    const log = this.#log;
    return {
      append: async (message: Outgoing) => {
        check();
        const receipt = await log.append(message);
        check();
        if (this.#random() < this.lostAcks) throw new LogError('timeout', 'the acknowledgement was lost');
        return receipt;
      },
      read: (options: ReadOptions) => log.read(options),
      get: guarded((sequence: number) => log.get(sequence)),
      // What goes wrong with it is the log's own tests' to try.
      watchLast: (subject: string, signal: AbortSignal) => log.watchLast(subject, signal),
      lastOn: guarded((subject: string) => log.lastOn(subject)),
      info: guarded(() => log.info()),
      purge: guarded((sequence: number) => log.purge(sequence)),
      blobs: log.blobs,
      evidence: log.evidence,
      close: async () => {},
    };
  }

  /** Whatever `who` still does reaches nothing any more. */
  cut(who: string): void {
    const line = this.#cuts.get(who);
    if (line) line.cut = true;
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

export interface WorldOptions {
  readonly hosts: number;
  readonly collectors: number;
  /** 0 ≤ random() < 1: the world's seed. */
  readonly random: () => number;
}

export class World {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'netfall-world-'));
  readonly clock: FakeClock = new FakeClock();
  readonly random: () => number;
  readonly log: FaultyLog;
  readonly sink: SimulatedSink = new SimulatedSink();
  readonly hosts: readonly SimulatedHost[];
  readonly collectors: readonly SimulatedCollector[];

  constructor({ hosts, collectors, random }: WorldOptions) {
    this.random = random;
    this.log = new FaultyLog(openEmbeddedLog({ dir: ':memory:', clock: this.clock }), random);
    this.hosts = Array.from({ length: hosts }, (_, i) => new SimulatedHost(`host-${i}`, this));
    this.collectors = Array.from(
      { length: collectors },
      (_, i) => new SimulatedCollector(`collector-${i}`, this),
    );
  }

  async start(): Promise<void> {
    for (const collector of this.collectors) await collector.start();
    for (const host of this.hosts) host.start();
  }

  /** Lets seconds pass. */
  async pass(seconds: number): Promise<void> {
    await this.clock.advance(seconds * 1000);
  }

  async close(): Promise<void> {
    for (const host of this.hosts) host.kill();
    for (const collector of this.collectors) await collector.kill();
    await this.pass(30);
    await this.log.close();
    rmSync(this.dir, { recursive: true });
  }
}

function inventory(hostname: string) {
  return {
    hostname,
    addresses: [],
    gateway: '',
    gateway_mac: '',
    subnet: '',
    kernel: '6.18.0',
    image: '',
    cmdline_digest: '',
    vendor: '',
    product: '',
    cpu: '',
    microcode: '',
    nics: [],
    labels: [],
  };
}
