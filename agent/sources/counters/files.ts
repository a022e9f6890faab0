/**
 * The counters of one network namespace that stand in files below its /proc/net. Reads the files and has them parsed; a
 * file that is missing is passed over, for kernels and modules come without some of them.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Collector } from '../../source.ts';
import { DevParser } from './dev.ts';
import type { Growth } from './growth.ts';
import { MibParser } from './mib.ts';
import { Mib6Parser } from './mib6.ts';
import { SoftnetParser } from './softnet.ts';
import { StatParser } from './stat.ts';
import type { TableParser } from './table.ts';

const FIRST_BUFFER_BYTES = 64 * 1024;
/** Four thousand interfaces take a tenth of this. */
export const MOST_BUFFER_BYTES = 4 * 1024 * 1024;

/** What files are read into, one after the other; it grows with the largest. */
export class FileBuffer {
  bytes = new Uint8Array(FIRST_BUFFER_BYTES);

  /** Reads a file. Returns its length, or -1 when it cannot be read. */
  read(path: string): number {
    let file: number | undefined;
    try {
      file = openSync(path, 'r');
      for (let length = 0; ; ) {
        const read = readSync(file, this.bytes, length, this.bytes.length - length, null);
        length += read;
        if (read === 0 || length === MOST_BUFFER_BYTES) return length;
        if (length === this.bytes.length) this.#grow();
      }
    } catch {
      return -1;
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  #grow(): void {
    const bytes = new Uint8Array(this.bytes.length * 2);
    bytes.set(this.bytes);
    this.bytes = bytes;
  }
}

/** Files that every kernel has. */
export const FILES = ['snmp', 'netstat', 'softnet_stat', 'dev'] as const;

/** The files of the agent's own namespace. `isUplink` is asked once for each interface that appears. */
export function ownFiles(growth: Growth, isUplink: (name: string) => boolean): [string, TableParser][] {
  return [
    ...filesOfAny(growth, isUplink),
    ['softnet_stat', new SoftnetParser(growth)],
    ['stat/arp_cache', new StatParser(growth, 'arp_cache')],
    ['stat/ndisc_cache', new StatParser(growth, 'ndisc_cache')],
  ];
}

/** The files of another namespace: what the rest count is the whole host's. */
export function otherFiles(growth: Growth): [string, TableParser][] {
  return filesOfAny(growth, () => false);
}

function filesOfAny(growth: Growth, isUplink: (name: string) => boolean): [string, TableParser][] {
  return [
    ['snmp', new MibParser(growth)],
    ['snmp6', new Mib6Parser(growth)],
    ['netstat', new MibParser(growth)],
    ['dev', new DevParser(growth, isUplink)],
    ['xfrm_stat', new Mib6Parser(growth)],
    ['sctp/snmp', new Mib6Parser(growth)],
    ['stat/nf_conntrack', new StatParser(growth, 'nf_conntrack')],
  ];
}

/** Reads files of one folder, each with its parser. */
export class FileReader {
  readonly #growth: Growth;
  readonly #files: readonly (readonly [string, TableParser])[];
  readonly #buffer: FileBuffer;

  constructor(growth: Growth, files: readonly (readonly [string, TableParser])[], buffer: FileBuffer) {
    this.#growth = growth;
    this.#files = files;
    this.#buffer = buffer;
  }

  /** Reads all files below a folder that stands for /proc/net. Returns how many there were. */
  read(folder: string, into: Collector): number {
    let found = 0;
    for (const [file, parser] of this.#files) {
      const length = this.#buffer.read(join(folder, file));
      if (length < 0) continue;
      found++;
      if (length === MOST_BUFFER_BYTES) into.loss('file_cut', 1);
      const malformed = parser.parse(this.#buffer.bytes, length, into);
      if (malformed > 0) into.loss('malformed', malformed);
    }
    const refused = this.#growth.takeRefused();
    if (refused > 0) into.loss('counters_full', refused);
    return found;
  }
}
