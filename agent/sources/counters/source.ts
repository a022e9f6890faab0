/**
 * The source `counters`: the kernel's own counters under /proc/net, which need no privileges. Reads the files, has them
 * parsed, and keeps the pace. docs/sources/counters.md says what is reported.
 */
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@netfall/log';
import type { Collector, Probe, Source } from '../../source.ts';
import { lackOfNetworkNamespace } from '../lack.ts';
import { DevParser } from './dev.ts';
import { Growth } from './growth.ts';
import { MibParser } from './mib.ts';
import { Mib6Parser } from './mib6.ts';
import { SoftnetParser } from './softnet.ts';
import type { TableParser } from './table.ts';

export interface CountersOptions {
  readonly root: string;
  /** Time between readings at rest, seconds. */
  readonly periodS: number;
  readonly clock: Clock;
  /** Whether to read now, whatever the period says. */
  readonly hurry: () => boolean;
}

const FILES = ['snmp', 'snmp6', 'netstat', 'softnet_stat', 'dev'] as const;
type File = (typeof FILES)[number];
/** Without it a host has no IPv6, which is no fault. */
const OPTIONAL: File = 'snmp6';

const FIRST_BUFFER_BYTES = 64 * 1024;
/** Four thousand interfaces take a tenth of this. */
const MOST_BUFFER_BYTES = 4 * 1024 * 1024;
/** A tick that comes a little early still counts as due. */
const TOLERANCE_US = 250_000;

const NOWHERE: Collector = {
  drop() {},
  counter() {},
  wantsSample: () => false,
  sample() {},
  loss() {},
};

export class CountersSource implements Source {
  readonly name = 'counters';
  readonly #options: CountersOptions;
  #parsers: readonly (readonly [path: string, parser: TableParser])[] = [];
  #growth = new Growth();
  #buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  #readUs = 0;

  constructor(options: CountersOptions) {
    this.#options = options;
  }

  probe(): Probe {
    const missing = FILES.filter((file) => file !== OPTIONAL && this.#read(this.#path(file)) < 0);
    if (missing.length === FILES.length - 1) {
      return {
        state: 'unavailable',
        detail: 'no counters',
        missing: `${this.#path('')} cannot be read`,
        mend: 'mount -t proc proc /proc',
      };
    }
    if (missing.length === 0) {
      const detail = 'kernel counters from /proc/net';
      const elsewhere = lackOfNetworkNamespace(this.#options.root, "the host's own are");
      return elsewhere ? { state: 'degraded', detail, ...elsewhere } : { state: 'ok', detail };
    }
    return {
      state: 'degraded',
      detail: 'some kernel counters from /proc/net',
      missing: `${missing.map((file) => this.#path(file)).join(', ')} cannot be read`,
    };
  }

  /** Reads every counter once, from where growth is counted. */
  start(): void {
    const growth = new Growth();
    const isUplink = (name: string) => this.#isUplink(name);
    const parsers: Record<File, TableParser> = {
      snmp: new MibParser(growth),
      snmp6: new Mib6Parser(growth),
      netstat: new MibParser(growth),
      softnet_stat: new SoftnetParser(growth),
      dev: new DevParser(growth, isUplink),
    };
    this.#growth = growth;
    this.#parsers = FILES.map((file) => [this.#path(file), parsers[file]] as const);
    this.#readAll(NOWHERE);
  }

  collect(into: Collector): void {
    const { clock, periodS, hurry } = this.#options;
    const sinceUs = Math.abs(clock.nowUs() - this.#readUs);
    if (sinceUs >= periodS * 1_000_000 - TOLERANCE_US || hurry()) this.#readAll(into);
  }

  stop(): void {
    this.#parsers = [];
  }

  #readAll(into: Collector): void {
    this.#readUs = this.#options.clock.nowUs();
    for (const [path, parser] of this.#parsers) {
      const length = this.#read(path);
      if (length < 0) continue;
      if (length === MOST_BUFFER_BYTES) into.loss('file_cut', 1);
      const malformed = parser.parse(this.#buffer, length, into);
      if (malformed > 0) into.loss('malformed', malformed);
    }
    const refused = this.#growth.takeRefused();
    if (refused > 0) into.loss('counters_full', refused);
  }

  /** Reads a file into the buffer, which grows with it. Returns its length, or -1 when it cannot be read. */
  #read(path: string): number {
    let file: number | undefined;
    try {
      file = openSync(path, 'r');
      for (let length = 0; ; ) {
        const read = readSync(file, this.#buffer, length, this.#buffer.length - length, null);
        length += read;
        if (read === 0 || length === MOST_BUFFER_BYTES) return length;
        if (length === this.#buffer.length) this.#growBuffer();
      }
    } catch {
      return -1;
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  #growBuffer(): void {
    const buffer = new Uint8Array(this.#buffer.length * 2);
    buffer.set(this.#buffer);
    this.#buffer = buffer;
  }

  #path(file: string): string {
    return join(this.#options.root, 'proc/net', file);
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
