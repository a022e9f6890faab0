/**
 * What a network driver says of itself and its own statistics, as `ethtool -S` shows them. The socket stays in the network
 * namespace that it was opened in. Needs no privileges. It must not know what a statistic means.
 *
 * Layouts: `struct ifreq` in include/uapi/linux/if.h; `ethtool_drvinfo`, `ethtool_gstrings` and `ethtool_stats` in
 * include/uapi/linux/ethtool.h.
 */
import { constants } from 'node:os';
import { addressOf, closeFd, controlDevice, KernelError, openSocket } from './libc.ts';

/** Statistics of one interface that are told of; a NIC of 64 queues has some thousands. */
export const MOST_STATISTICS = 8192;

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SIOCGIFINDEX = 0x8933;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GDRVINFO = 0x03;
const ETHTOOL_GSTRINGS = 0x1b;
const ETHTOOL_GSTATS = 0x1d;
const ETH_SS_STATS = 1;

const REQUEST_BYTES = 40;
const MOST_NAME_BYTES = 15;
const STRING_BYTES = 32;
const DRIVER_INFO = { bytes: 196, driver: 4, statistics: 180 } as const;
const STRINGS_HEADER_BYTES = 12;
const VALUES_HEADER_BYTES = 8;
/**
 * Older kernels write as many as the driver has by then, not as many as were asked for. So there is room for more, which
 * costs address space alone, and an interface that has more than this is not asked at all.
 */
const ROOM = 4 * MOST_STATISTICS;

export interface Driver {
  /** As `ethtool -i` names it; empty when it does not say. */
  readonly name: string;
  readonly statistics: number;
}

export class Ethtool {
  /** The last reading's values, 8 bytes each, little-endian. */
  readonly values: DataView;
  readonly #request = new ArrayBuffer(REQUEST_BYTES);
  readonly #requestBytes = Buffer.from(this.#request);
  readonly #requestView = new DataView(this.#request);
  readonly #statistics = new ArrayBuffer(VALUES_HEADER_BYTES + ROOM * 8);
  readonly #statisticsView = new DataView(this.#statistics);
  #fd: number;

  /** @throws KernelError */
  constructor() {
    this.values = new DataView(this.#statistics, VALUES_HEADER_BYTES);
    this.#fd = openSocket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  }

  /** An interface's index; 0 when there is none of that name. @throws KernelError */
  index(name: string): number {
    if (!this.#address(name)) return 0;
    const result = controlDevice(this.#fd, SIOCGIFINDEX, this.#request);
    if (result === -constants.errno.ENODEV) return 0;
    if (result < 0) throw new KernelError(`ioctl(SIOCGIFINDEX, ${name})`, -result);
    return this.#requestView.getInt32(16, true);
  }

  /** An interface's driver; undefined when it tells of none, or there is no such interface. @throws KernelError */
  driver(name: string): Driver | undefined {
    const info = new ArrayBuffer(DRIVER_INFO.bytes);
    const view = new DataView(info);
    view.setUint32(0, ETHTOOL_GDRVINFO, true);
    if (!this.#ask(name, info, 'GDRVINFO')) return undefined;
    return {
      name: stringAt(new Uint8Array(info), DRIVER_INFO.driver),
      statistics: view.getUint32(DRIVER_INFO.statistics, true),
    };
  }

  /**
   * The names of an interface's statistics in their order, MOST_STATISTICS at most.
   * @param statistics how many the driver has; none is told when it has another number by now, or more than can be read.
   * @throws KernelError
   */
  names(name: string, statistics: number): string[] {
    if (statistics === 0 || statistics > ROOM) return [];
    const strings = new ArrayBuffer(STRINGS_HEADER_BYTES + ROOM * STRING_BYTES);
    const view = new DataView(strings);
    view.setUint32(0, ETHTOOL_GSTRINGS, true);
    view.setUint32(4, ETH_SS_STATS, true);
    view.setUint32(8, statistics, true);
    if (!this.#ask(name, strings, 'GSTRINGS') || view.getUint32(8, true) !== statistics) return [];
    return parseNames(new Uint8Array(strings, STRINGS_HEADER_BYTES), Math.min(statistics, MOST_STATISTICS));
  }

  /**
   * Reads an interface's statistics into `values`. Returns false, and the values are to be passed over, when the driver
   * has another number of them than said, or none. Allocates nothing.
   * @throws KernelError
   */
  read(name: string, statistics: number): boolean {
    if (statistics === 0 || statistics > ROOM) return false;
    this.#statisticsView.setUint32(0, ETHTOOL_GSTATS, true);
    this.#statisticsView.setUint32(4, statistics, true);
    return (
      this.#ask(name, this.#statistics, 'GSTATS') && this.#statisticsView.getUint32(4, true) === statistics
    );
  }

  /** A second time does nothing. */
  close(): void {
    if (this.#fd < 0) return;
    closeFd(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Returns false when the driver does not know the request, or there is no such interface. */
  #ask(name: string, command: ArrayBuffer, what: string): boolean {
    if (!this.#address(name)) return false;
    this.#requestView.setBigUint64(16, addressOf(command), true);
    const result = controlDevice(this.#fd, SIOCETHTOOL, this.#request);
    if (result >= 0) return true;
    if (result === -constants.errno.EOPNOTSUPP || result === -constants.errno.ENODEV) return false;
    throw new KernelError(`ioctl(ETHTOOL_${what}, ${name})`, -result);
  }

  /** Puts an interface's name into the request. Returns false when no interface can have that name. */
  #address(name: string): boolean {
    this.#requestBytes.fill(0);
    const length = this.#requestBytes.write(name, 'utf8');
    return length > 0 && length <= MOST_NAME_BYTES;
  }
}

/** Names out of a table of strings, 32 bytes each. One that is not printable ASCII is empty. Any bytes are accepted. */
export function parseNames(bytes: Uint8Array, count: number): string[] {
  const most = Math.min(count, Math.floor(bytes.length / STRING_BYTES));
  return Array.from({ length: most }, (_, i) => stringAt(bytes, i * STRING_BYTES));
}

function stringAt(bytes: Uint8Array, start: number): string {
  let end = start;
  while (end < start + STRING_BYTES && bytes[end] !== 0) {
    const byte = bytes[end] as number;
    if (byte < 0x20 || byte > 0x7e) return '';
    end++;
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}
