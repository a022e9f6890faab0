/**
 * The source `counters`: the kernel's own counters under /proc/net, which need no privileges. Reads the files, has them
 * parsed, and keeps the pace. docs/sources/counters.md says what is reported.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@netfall/log';
import type { Collector, Probe, Source } from '../../source.ts';
import { lackOfNetworkNamespace } from '../lack.ts';
import { DriverReader } from './driver.ts';
import { FILES, FileBuffer, FileReader, ownFiles } from './files.ts';
import { Growth } from './growth.ts';
import { InterfaceReader } from './interfaces.ts';
import { NamespaceReader } from './namespaces.ts';
import { QdiscReader } from './qdiscs.ts';
import { type CounterReader, NOWHERE } from './reader.ts';
import { SocketReader } from './sockets.ts';

export interface CountersOptions {
  readonly root: string;
  /** Time between readings at rest, seconds. */
  readonly periodS: number;
  readonly clock: Pick<Clock, 'nowUs'>;
  /** Whether to read now, whatever the period says. */
  readonly hurry: () => boolean;
}

/** A tick that comes a little early still counts as due. */
const TOLERANCE_US = 250_000;

export class CountersSource implements Source {
  readonly name = 'counters';
  readonly #options: CountersOptions;
  readonly #buffer = new FileBuffer();
  #readers: readonly CounterReader[] = [];
  #sockets: SocketReader | undefined;
  #readUs = 0;

  constructor(options: CountersOptions) {
    this.#options = options;
  }

  probe(): Probe {
    const folder = join(this.#options.root, 'proc/net');
    const missing = FILES.filter((file) => this.#buffer.read(join(folder, file)) < 0);
    if (missing.length === FILES.length) {
      return {
        state: 'unavailable',
        detail: 'no counters',
        missing: `${folder} cannot be read`,
        mend: 'mount -t proc proc /proc',
      };
    }
    if (missing.length === 0) {
      const detail = 'kernel counters from /proc/net';
      const elsewhere = lackOfNetworkNamespace(this.#options.root, "the host's interfaces are");
      return elsewhere ? { state: 'degraded', detail, ...elsewhere } : { state: 'ok', detail };
    }
    return {
      state: 'degraded',
      detail: 'some kernel counters from /proc/net',
      missing: `${missing.map((file) => join(folder, file)).join(', ')} cannot be read`,
    };
  }

  /** Reads every counter once, from where growth is counted. */
  start(): void {
    this.#readers = this.#open();
    this.#readAll(NOWHERE);
  }

  collect(into: Collector): void {
    const { clock, periodS, hurry } = this.#options;
    const sinceUs = Math.abs(clock.nowUs() - this.#readUs);
    if (sinceUs >= periodS * 1_000_000 - TOLERANCE_US || hurry()) this.#readAll(into);
  }

  stop(): void {
    for (const reader of this.#readers) reader.close();
    this.#readers = [];
  }

  #readAll(into: Collector): void {
    this.#readUs = this.#options.clock.nowUs();
    const watched = this.#sockets?.watch(into) ?? into;
    for (const reader of this.#readers) {
      try {
        reader.read(watched);
      } catch (error) {
        // What the kernel answers; anything else is a defect, and whoever runs sources says so.
        if (!(error instanceof Error && 'code' in error)) throw error;
        into.loss('unreadable', 1);
      }
    }
  }

  #open(): CounterReader[] {
    const { root, clock } = this.#options;
    const isUplink = (name: string) => this.#isUplink(name);
    const growth = new Growth();
    // A tree of fixtures has files alone, and where netlink is not to be had files have to do.
    const interfaces = root === '/' ? tryOpen(() => new InterfaceReader(growth, isUplink)) : undefined;
    const files = ownFiles(growth, isUplink).filter(([file]) => file !== 'dev' || !interfaces);
    const reader = new FileReader(growth, files, this.#buffer);
    const qdiscs = interfaces && tryOpen(() => new QdiscReader(growth));
    const drivers = interfaces && tryOpen(() => new DriverReader(growth));
    const proc: CounterReader = {
      read: (into) => void reader.read(join(root, 'proc/net'), into),
      close() {},
    };
    const nowUs = () => clock.nowUs();
    const others = new NamespaceReader(root, this.#buffer, nowUs);
    this.#sockets = new SocketReader(root, this.#buffer, nowUs, () => others.namespaces);
    return [proc, interfaces, qdiscs, drivers, others, this.#sockets].filter((each) => each !== undefined);
  }

  /**
   * Whether packets enter or leave the host through an interface: it belongs to a device. Bridges, bonds, VLANs and veth
   * pairs would count the same packets again. Where nothing belongs to a device, as in a container, every interface but
   * the loopback counts.
   */
  #isUplink(name: string): boolean {
    if (name === 'lo') return false;
    const folder = join(this.#options.root, 'sys/class/net');
    if (existsSync(join(folder, name, 'device'))) return true;
    try {
      return !readdirSync(folder).some((other) => existsSync(join(folder, other, 'device')));
    } catch {
      return true;
    }
  }
}

function tryOpen<R extends CounterReader>(open: () => R): R | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}
