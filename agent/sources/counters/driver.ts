/**
 * What network drivers count themselves, beyond the standard statistics: losses in the NIC, its buffers and its link. The
 * names of an interface's statistics are read once, and again when their number changes or another interface has the
 * name; of the values, those are followed that the catalog has a counter for.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UNKNOWN_STATISTIC } from '@netfall/catalog';
import { driverCounters } from '@netfall/catalog/drivers';
import { Ethtool, MOST_STATISTICS } from '../../kernel/ethtool.ts';
import { KernelError } from '../../kernel/libc.ts';
import type { Collector } from '../../source.ts';
import type { Growth } from './growth.ts';
import type { CounterReader } from './reader.ts';

/** Interfaces read at most: each costs one system call or two, and takes the kernel's lock on interfaces. */
const MOST_INTERFACES = 256;
/** Statistics without a counter of the catalog's, by name, that are followed of one interface. */
const MOST_UNKNOWN = 64;

interface Interface {
  readonly index: number;
  readonly statistics: number;
  /** Where among the statistics each followed one stands, and its slot. */
  readonly places: Int32Array;
  readonly slots: Int32Array;
  /** The reading that it was last seen in. */
  seen: number;
}

export interface DriverOptions {
  /** Which interfaces to read, by name, asked at every reading. Default: those that belong to a device. */
  readonly interfaces?: () => readonly string[];
  /** Where `/` is. */
  readonly root?: string;
}

export class DriverReader implements CounterReader {
  readonly #growth: Growth;
  readonly #names: () => readonly string[];
  readonly #ethtool = new Ethtool();
  readonly #interfaces = new Map<string, Interface>();
  #reading = 0;

  /** Reads interfaces of the network namespace that this thread is in now. @throws KernelError */
  constructor(growth: Growth, { interfaces, root = '/' }: DriverOptions = {}) {
    this.#growth = growth;
    this.#names = interfaces ?? (() => deviceInterfaces(root));
  }

  /** An interface whose driver fails is passed over, and counted as lost. */
  read(into: Collector): void {
    this.#reading++;
    const names = this.#names();
    if (names.length > MOST_INTERFACES) into.loss('drivers_full', names.length - MOST_INTERFACES);
    for (const name of names.slice(0, MOST_INTERFACES)) {
      try {
        this.#readOne(name, into);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        into.loss('driver_failed', 1);
      }
    }
    for (const [name, { seen }] of this.#interfaces) if (seen !== this.#reading) this.#forget(name);
  }

  close(): void {
    this.#ethtool.close();
  }

  #readOne(name: string, into: Collector): void {
    const index = this.#ethtool.index(name);
    if (index === 0) return;
    let known = this.#interfaces.get(name);
    if (known?.index !== index) known = this.#learn(name, index, into);
    known.seen = this.#reading;
    if (known.places.length === 0) return;
    if (!this.#ethtool.read(name, known.statistics)) {
      // The number of queues was changed, perhaps. If it is again by now, the next reading will do.
      known = this.#learn(name, index, into);
      if (known.places.length === 0 || !this.#ethtool.read(name, known.statistics)) return;
    }
    const { values } = this.#ethtool;
    for (let i = 0; i < known.places.length; i++) {
      const at = (known.places[i] as number) * 8;
      const slot = known.slots[i] as number;
      this.#growth.put(slot, values.getUint32(at + 4, true), values.getUint32(at, true), into);
    }
  }

  /** A slot for each statistic rather than for their sum, since a queue may be reset or wrap by itself. */
  #learn(name: string, index: number, into: Collector): Interface {
    this.#forget(name);
    const driver = this.#ethtool.driver(name);
    const statistics = driver?.statistics ?? 0;
    const names = this.#ethtool.names(name, statistics);
    const { places, counters, refused } = followed(driver?.name ?? '', names);
    const beyond = refused + Math.max(0, statistics - MOST_STATISTICS);
    if (beyond > 0) into.loss('driver_statistics_full', beyond);
    const made = {
      index,
      statistics,
      places: Int32Array.from(places),
      slots: Int32Array.from(counters, (counter) =>
        this.#growth.add({ name: counter, interface: name, total: '' }, false),
      ),
      seen: this.#reading,
    };
    // Their number changed between the two calls, if there are no names: the next reading will do.
    if (names.length > 0 || statistics === 0) this.#interfaces.set(name, made);
    return made;
  }

  #forget(name: string): void {
    for (const slot of this.#interfaces.get(name)?.slots ?? []) this.#growth.remove(slot);
    this.#interfaces.delete(name);
  }
}

/** Which of a driver's statistics are followed: their places among the names, and the counter that each adds to. */
export function followed(
  driver: string,
  names: readonly string[],
): { readonly places: number[]; readonly counters: string[]; readonly refused: number } {
  const { counterOf } = driverCounters(driver);
  const places: number[] = [];
  const counters: string[] = [];
  const unknown = new Set<string>();
  let refused = 0;
  for (const [place, name] of names.entries()) {
    const counter = counterOf(name);
    if (counter === undefined) continue;
    if (counter.startsWith(UNKNOWN_STATISTIC)) unknown.add(counter);
    if (unknown.size > MOST_UNKNOWN) {
      unknown.delete(counter);
      refused++;
      continue;
    }
    places.push(place);
    counters.push(counter);
  }
  return { places, counters, refused };
}

/** Physical NICs and those of virtual machines. */
function deviceInterfaces(root: string): string[] {
  const folder = join(root, 'sys/class/net');
  try {
    return readdirSync(folder).filter((name) => existsSync(join(folder, name, 'device')));
  } catch {
    return [];
  }
}
