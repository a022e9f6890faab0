/**
 * A source that hears other hosts die: a UDP socket, whom it may listen to, and how much of what it hears goes into the log. The
 * protocol is a reassembly's (crash/). It must not know what a datagram means.
 */
import type { HeardCrash, HeardEvents, Reassembly, SenderKey } from '@netfall/crash';
import type { Clock } from '@netfall/log';
import type { CrashWitness } from '@netfall/proto';
import { KernelError } from '../kernel/libc.ts';
import { UdpSocket } from '../kernel/udp-socket.ts';
import type { Collector, Probe, Source } from '../source.ts';
import { Budget } from './budget.ts';
import { type Reported, reportOf, witnessOf } from './findings.ts';
import { type ListenAddress, parseListen } from './listen.ts';
import { Networks } from './networks.ts';
import { receiveBufferLack } from './receive-buffer.ts';

/** Where a relay is, and what it tells of it. */
export interface RelayPlace {
  /** Replaces `/`. */
  readonly root: string;
  readonly clock: Clock;
  /** See SourceContext. */
  readonly urgent: () => void;
}

export interface RelayOptions extends RelayPlace {
  /** The source's name, by which its keys in the configuration are called as well. */
  readonly name: string;
  /** What is heard, in a few words. */
  readonly hears: string;
  /** HOST:PORT. */
  readonly listen: string;
  /** Networks whose hosts are heard; those of `known` are heard whatever others do. */
  readonly allow: readonly string[];
  readonly known: readonly string[];
  readonly receiveBufferBytes: number;
  /** Makes the protocol's reassembly. */
  readonly reassembly: (events: HeardEvents, isKnown: (key: SenderKey) => boolean) => Reassembly;
}

/** Datagrams that one system call receives, and calls a turn of the event loop: everything else has its turn in between. */
const BATCH = 128;
const BATCHES_A_TURN = 32;
/** No datagram of either protocol is as long. */
const DATAGRAM_BYTES = 2048;
/** Rounds of receiving at the end: more than any receive buffer holds. */
const LAST_ROUNDS = 1000;
/** Reports that a collection makes, whose logs are written to disk one by one, and KiB of these logs. */
const REPORTS_A_COLLECTION = 8;
const KIB_A_COLLECTION = 4096;
/** Witnesses that may wait for a message to be stored. */
const MOST_WITNESSES = 256;

export class RelaySource implements Source {
  readonly name: string;
  readonly #options: RelayOptions;
  readonly #address: ListenAddress;
  readonly #allowed: Networks;
  readonly #known: Networks;
  readonly #key: SenderKey = { a: 0, b: 0, c: 0, d: 0, stream: 0 };
  readonly #records = new WeakMap<HeardCrash, string>();
  readonly #witnesses: CrashWitness[] = [];
  readonly #reports: Reported[] = [];
  readonly #budget = new Budget();
  /** What went wrong in the event loop, to be thrown where somebody hears it. */
  #failure: unknown;
  #run = '';
  #heard = 0;
  #socket: UdpSocket | undefined;
  #reassembly: Reassembly | undefined;
  #notAllowed = 0;
  #truncated = 0;
  /** Crashes of which nothing could be said, or no more. */
  #unreported = 0;
  #socketDrops = 0;
  /** By hop, until a collection tells of them. */
  readonly #losses = new Map<string, number>();
  #isFinishing = false;

  /** @throws TypeError when an address or a network is none. */
  constructor(options: RelayOptions) {
    this.name = options.name;
    this.#options = options;
    this.#address = parseListen(options.listen);
    this.#allowed = new Networks([...options.allow, ...options.known]);
    this.#known = new Networks(options.known);
  }

  probe(): Probe {
    const { hears, listen, root, receiveBufferBytes } = this.#options;
    const detail = `${hears} on UDP ${listen}`;
    const lack = receiveBufferLack(root, receiveBufferBytes);
    return lack ? { state: 'degraded', detail, ...lack } : { state: 'ok', detail };
  }

  start(): void {
    const { clock, reassembly, listen, receiveBufferBytes } = this.#options;
    this.#run = Math.max(0, clock.nowUs()).toString(36);
    this.#socketDrops = 0;
    this.#isFinishing = false;
    this.#failure = undefined;
    const batch = { datagrams: BATCH, datagramBytes: DATAGRAM_BYTES, receiveBufferBytes };
    try {
      this.#socket = new UdpSocket({ ...this.#address, ...batch });
    } catch (error) {
      throw explained(error, this.name, listen);
    }
    const events: HeardEvents = {
      began: (crash) => this.#began(crash),
      lost: (crash) => this.#lost(crash),
    };
    this.#reassembly = reassembly(events, (key) => this.#known.has(key));
    this.#socket.onReadable(() => this.#receiveSafely());
  }

  /** Where it listens; a port that the kernel chose, where none was named. */
  get port(): number {
    return this.#socket?.port ?? 0;
  }

  collect(into: Collector): void {
    // At the end what there is still counts.
    if (this.#failure !== undefined && !this.#isFinishing) throw this.#failure;
    const mayBeMore = this.#settle();
    this.#handOver(into);
    this.#countLosses();
    for (const [hop, count] of this.#losses) into.loss(hop, count);
    this.#losses.clear();
    // All of it was told of, or counted.
    if (this.#isFinishing) this.#reassembly = undefined;
    if (mayBeMore && this.#reports.length === 0) this.#options.urgent();
  }

  finish(): void {
    this.#isFinishing = true;
    for (let round = 0; round < LAST_ROUNDS && this.#receive(); round++);
  }

  /** What is under way is counted, and told of after the next start. */
  stop(): void {
    const [socket, reassembly] = [this.#socket, this.#reassembly];
    if (!socket) return;
    try {
      this.#unreported += reassembly?.settleAll(() => true).length ?? 0;
      this.#countLosses();
    } finally {
      this.#socket = undefined;
      this.#reassembly = undefined;
      socket.close();
    }
  }

  /** In the event loop nobody catches what is thrown. */
  #receiveSafely(): boolean {
    if (this.#failure !== undefined) return false;
    try {
      return this.#receive();
    } catch (error) {
      this.#failure = error ?? new Error('receiving failed without an error');
      this.#options.urgent();
      return false;
    }
  }

  /** Takes what is there. Returns whether something is left. */
  #receive(): boolean {
    const [socket, reassembly] = [this.#socket, this.#reassembly];
    if (!socket || !reassembly) return false;
    const { ring } = socket;
    const key = this.#key;
    let received: number = BATCH;
    for (let batch = 0; batch < BATCHES_A_TURN && received === BATCH; batch++) {
      received = socket.receive();
      const nowUs = this.#options.clock.nowUs();
      for (let i = 0; i < received; i++) {
        socket.readSender(i, key);
        if (!this.#allowed.has(key)) this.#notAllowed++;
        else if (ring.isTruncated(i)) this.#truncated++;
        else reassembly.take(key, ring.slab, ring.startOf(i), ring.endOf(i), nowUs);
      }
    }
    const isWanted = reassembly.isAnyWhole && this.#reports.length === 0;
    if (isWanted && this.#budget.mayReport(this.#options.clock.nowUs())) this.#options.urgent();
    return received === BATCH;
  }

  #began(crash: HeardCrash): void {
    const nowUs = this.#options.clock.nowUs();
    if (!this.#budget.witness(crash, nowUs)) return;
    if (this.#witnesses.length >= MOST_WITNESSES) {
      this.#unreported++;
      return;
    }
    const record = this.#records.get(crash) ?? this.#nextRecord();
    this.#records.set(crash, record);
    this.#witnesses.push(witnessOf(crash, this.name, record));
    // Where strangers send without end, what they cause waits for the next usual collection.
    if (this.#budget.isUrgent(crash, nowUs)) this.#options.urgent();
  }

  /** What a witness told of is reported with what there is of it. */
  #lost(crash: HeardCrash): void {
    const isRoom = this.#records.has(crash) && this.#reports.length < REPORTS_A_COLLECTION;
    if (isRoom && this.#budget.report(crash, this.#options.clock.nowUs())) this.#report(crash, 1);
    else this.#unreported++;
  }

  /** Returns whether there may be more that could be told of now. */
  #settle(): boolean {
    const reassembly = this.#reassembly;
    if (!reassembly) return false;
    const nowUs = this.#options.clock.nowUs();
    let [wanted, kib, refused] = [0, 0, 0];
    let isFull = false;
    const wants = (crash: HeardCrash): boolean => {
      if (!this.#isFinishing) {
        isFull ||= wanted + this.#reports.length >= REPORTS_A_COLLECTION || kib >= KIB_A_COLLECTION;
        if (isFull) return false;
      }
      if (!this.#budget.report(crash, nowUs)) {
        refused++;
        return false;
      }
      wanted++;
      kib += crash.parts;
      return true;
    };
    const crashes = this.#isFinishing ? reassembly.settleAll(wants) : reassembly.settle(nowUs, wants);
    for (const crash of crashes) this.#report(crash, 0);
    if (this.#isFinishing) this.#unreported += refused;
    return isFull;
  }

  #report(crash: HeardCrash, later: number): void {
    const record = this.#records.get(crash) ?? this.#nextRecord();
    this.#records.set(crash, record);
    const { findings, log } = reportOf(crash, this.name, record);
    this.#budget.assembled(crash, log.length, this.#options.clock.nowUs());
    this.#reports.push({ findings: { ...findings, revision: findings.revision + later }, log });
  }

  #nextRecord(): string {
    return `${this.name}-${this.#run}-${++this.#heard}`;
  }

  /** As much as the next message takes; the rest is handed over again. */
  #handOver(into: Collector): void {
    const { witness, crash } = into;
    if (!witness || !crash) {
      this.#witnesses.length = this.#reports.length = 0;
      return;
    }
    while (this.#witnesses[0] && witness(this.#witnesses[0])) this.#witnesses.shift();
    while (this.#reports[0] && crash(this.#reports[0].findings, this.#reports[0].log)) this.#reports.shift();
  }

  /** Takes over what was lost since the last time. */
  #countLosses(): void {
    const drops = this.#socket?.drops ?? this.#socketDrops;
    // 32 bits of it are told.
    this.#lose('socket_full', (drops - this.#socketDrops) >>> 0);
    this.#socketDrops = drops;
    this.#lose('not_allowed', this.#notAllowed);
    this.#lose('malformed', this.#truncated);
    this.#lose('unreported', this.#unreported);
    this.#notAllowed = this.#truncated = this.#unreported = 0;
    this.#reassembly?.takeLosses((hop, count) => this.#lose(hop, count));
  }

  #lose(hop: string, count: number): void {
    if (count > 0) this.#losses.set(hop, (this.#losses.get(hop) ?? 0) + count);
  }
}

function explained(error: unknown, name: string, listen: string): unknown {
  if (!(error instanceof KernelError)) return error;
  const mend = `sources.${name}.listen`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new Error(`UDP ${listen} is taken by another process: stop that or set ${mend}`, {
        cause: error,
      });
    case 'EADDRNOTAVAIL':
      return new Error(`${listen} is no address of this host: set ${mend}`, { cause: error });
    case 'EACCES':
      return new Error(`UDP ${listen} needs CAP_NET_BIND_SERVICE: grant it or set ${mend}`, { cause: error });
    default:
      return error;
  }
}
