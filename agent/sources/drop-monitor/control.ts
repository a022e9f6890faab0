/**
 * Commands to the kernel's drop monitor, as netlink transactions. It must not know why they are given.
 */

import { constants } from 'node:os';
import { KernelError } from '../../kernel/libc.ts';
import { type GenericFamily, resolveFamily } from '../../kernel/netlink/generic.ts';
import type { MessageCursor } from '../../kernel/netlink/message.ts';
import { NetlinkProtocol } from '../../kernel/netlink/socket.ts';
import { NetlinkRequester } from '../../kernel/netlink/transaction.ts';
import { MessageWriter } from '../../kernel/netlink/writer.ts';
import {
  type MonitorConfig,
  type MonitorStats,
  readConfig,
  readStats,
  writeConfig,
  writeGet,
  writeSwitch,
} from './requests.ts';
import { Command, FAMILY } from './wire.ts';

/** What can be monitored. */
export type Drops = 'software' | 'hardware';

/** The monitor of the machine, which everybody shares. All of it throws KernelError. */
export interface MonitorControl {
  /** How it is set up. Needs no rights. */
  config(): MonitorConfig;
  /** Sets it up. Needs CAP_NET_ADMIN, like the rest. @throws KernelError EBUSY while it runs, even for `{}`. */
  configure(config: Partial<MonitorConfig>): void;
  /** @throws KernelError: EAGAIN when these drops are monitored already, ENOTSUP for hardware without devlink. */
  start(drops: Drops): void;
  /** Succeeds in any case. */
  stop(drops: Drops): void;
}

/** The monitor of the running kernel. */
export class KernelMonitor implements MonitorControl {
  readonly #requester: NetlinkRequester;
  readonly #writer = new MessageWriter();
  #family: GenericFamily;

  /** Loads the module, if there is one. @throws KernelError: ENOENT when this kernel has no drop monitor. */
  constructor() {
    const requester = new NetlinkRequester(NetlinkProtocol.generic);
    try {
      this.#family = resolveFamily(requester, FAMILY);
    } catch (error) {
      requester.close();
      throw error;
    }
    this.#requester = requester;
  }

  /** The numbers that the kernel gave the monitor; others after its module was loaded anew. */
  get family(): GenericFamily {
    return this.#family;
  }

  config(): MonitorConfig {
    return this.#get(Command.configGet, 'CONFIG_GET', readConfig);
  }

  /** What it could not report. Needs no rights. @throws KernelError */
  stats(): MonitorStats {
    return this.#get(Command.statsGet, 'STATS_GET', readStats);
  }

  configure(config: Partial<MonitorConfig>): void {
    this.#request('CONFIG', () => writeConfig(this.#writer, this.#family, config));
  }

  start(drops: Drops): void {
    this.#request(`START ${drops}`, () => writeSwitch(this.#writer, this.#family, 'start', drops));
  }

  stop(drops: Drops): void {
    this.#request(`STOP ${drops}`, () => writeSwitch(this.#writer, this.#family, 'stop', drops));
  }

  close(): void {
    this.#requester.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #get<T>(
    command: number,
    what: string,
    read: (slab: Uint8Array, message: MessageCursor) => T | undefined,
  ): T {
    let answer: T | undefined;
    const write = () => writeGet(this.#writer, this.#family, command);
    this.#request(what, write, (message) => {
      answer = read(this.#requester.slab, message);
    });
    if (answer !== undefined) return answer;
    throw new KernelError(`drop monitor ${what}`, constants.errno.EBADMSG, 'report this with uname -r');
  }

  #request(what: string, write: () => Uint8Array, onAnswer?: (answer: MessageCursor) => void): void {
    try {
      this.#requester.request(`drop monitor ${what}`, write(), onAnswer);
    } catch (error) {
      if (!(error instanceof KernelError) || error.code !== 'ENOENT') throw error;
      // The module was unloaded, or loaded anew and given another number; asking for it loads it.
      this.#family = resolveFamily(this.#requester, FAMILY);
      this.#requester.request(`drop monitor ${what}`, write(), onAnswer);
    }
  }
}
