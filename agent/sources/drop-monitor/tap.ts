/**
 * A tap on the machine's drop monitor: takes it over, or listens to who has it already; its alerts, and all that is lost
 * on their way here. It must not know what becomes of the alerts.
 */

import { join } from 'node:path';
import { FileTree } from '../../inventory/tree.ts';
import { KernelError } from '../../kernel/libc.ts';
import { readNetlinkDrops } from '../../kernel/netlink/drops.ts';
import type { GenericFamily } from '../../kernel/netlink/generic.ts';
import { NetlinkProtocol, NetlinkSocket } from '../../kernel/netlink/socket.ts';
import { type AlertSocket, Alerts } from './alerts.ts';
import { KernelMonitor, type MonitorControl } from './control.ts';
import { giveBack, HardwareFlag } from './hardware-flag.ts';
import { type Interference, Monitor } from './monitor.ts';
import { JsonRecordFile, type RecordFile } from './record.ts';
import type { MonitorConfig, MonitorStats } from './requests.ts';
import { ALERTS_GROUP } from './wire.ts';

export interface TapOptions extends MonitorConfig {
  /** Whether hardware's drops are wanted as well, where the kernel has them. */
  readonly hardware: boolean;
  /** Whether nothing but hardware's drops is wanted; the rest of the monitor then stays as it is. */
  readonly hardwareOnly?: boolean;
  /** Whether to listen only when somebody has the monitor tell software's drops already. */
  readonly share?: boolean;
  /** What the kernel may queue for the alerts' socket, bytes. */
  readonly receiveBufferBytes: number;
  readonly record: RecordFile;
  /** Default: this kernel's. */
  readonly kernel?: TappedKernel;
}

/** The monitor's commands and a socket for its alerts. */
export interface TappedKernel {
  control(): TapControl;
  socket(datagramBytes: number, receiveBufferBytes: number): AlertSocket;
  /** Messages that the kernel could not queue for the socket; undefined when it does not tell. */
  drops(socket: AlertSocket): number | undefined;
}

export interface TapControl extends MonitorControl {
  readonly family: Pick<GenericFamily, 'id' | 'groups'>;
  stats(): MonitorStats;
  close(): void;
}

/** What was lost on the way since the tap was opened, messages and packets. */
export interface TapLosses {
  readonly socket_full: number;
  readonly queue_full: number;
  readonly malformed: number;
}

const thisKernel: TappedKernel = {
  control: () => new KernelMonitor(),
  socket: (datagramBytes, receiveBufferBytes) => {
    return new NetlinkSocket({ protocol: NetlinkProtocol.generic, datagramBytes, receiveBufferBytes });
  },
  drops: readNetlinkDrops,
};

/** What an alert holds beside the packet's bytes, and the longest summary, bytes. */
const LEAST_DATAGRAM_BYTES = 8192;
const BESIDES_BYTES = 1024;
/** The longest attribute of netlink. */
const MOST_PACKET_BYTES = 0x1_0000;

export class Tap {
  readonly alerts: Alerts;
  /** How alerts were sent when the tap was opened. */
  readonly mode: MonitorConfig['mode'];
  /** Whether the monitor is somebody else's. */
  readonly listening: boolean;
  readonly #options: TapOptions;
  readonly #control: TapControl;
  readonly #owner: { check(): Interference[]; stop(): void } | undefined;
  #group: number | undefined;
  #stats: MonitorStats;
  #queueLosses = 0;

  /** @throws KernelError: ENOENT without a drop monitor, EPERM without the rights; Error of fs */
  constructor(options: TapOptions) {
    const { record, hardwareOnly = false, share = false, truncationBytes, kernel = thisKernel } = options;
    this.#options = options;
    using resources = new DisposableStack();
    this.#control = resources.adopt(kernel.control(), (control) => control.close());
    const packetBytes = truncationBytes === 0 || share ? MOST_PACKET_BYTES : truncationBytes;
    const datagramBytes = Math.max(LEAST_DATAGRAM_BYTES, (packetBytes + BESIDES_BYTES + 7) & ~7);
    const socket = kernel.socket(datagramBytes, options.receiveBufferBytes);
    this.alerts = resources.adopt(new Alerts(socket, () => kernel.drops(socket)), (alerts) => alerts.close());
    this.#join();
    this.listening = share && record.read() === undefined && tellsSoftware(this.#control);
    if (!this.listening) {
      const owner = hardwareOnly
        ? new HardwareFlag(this.#control, record)
        : new Monitor({
            control: this.#control,
            file: record,
            config: configOf(options),
            hardware: options.hardware,
          });
      this.#owner = resources.adopt(owner, () => owner.stop());
      owner.start();
    }
    this.mode = this.#control.config().mode;
    this.#stats = this.#control.stats();
    resources.move();
  }

  /**
   * Looks whether others changed the monitor, and changes it back; for every second or so.
   * @returns what they changed
   * @throws KernelError, Error of fs
   */
  check(): Interference[] {
    const interference = this.#owner?.check() ?? [];
    this.#join();
    return interference;
  }

  /** @throws KernelError, Error of fs */
  losses(): TapLosses {
    const { hardware, hardwareOnly } = this.#options;
    const now = this.#control.stats();
    if (!hardwareOnly) this.#queueLosses += growth(this.#stats.software, now.software);
    if (hardware) this.#queueLosses += growth(this.#stats.hardware, now.hardware);
    this.#stats = now;
    const { full, malformed } = this.alerts.losses();
    return { socket_full: full, queue_full: this.#queueLosses, malformed };
  }

  /** Gives the monitor back as it was found. @throws KernelError, Error of fs */
  close(): void {
    try {
      this.#owner?.stop();
    } finally {
      this.alerts.close();
      this.#control.close();
    }
  }

  /** The group has another number after the module was loaded anew. */
  #join(): void {
    const group = this.#control.family.groups.get(ALERTS_GROUP);
    if (group === undefined || group === this.#group) return;
    this.alerts.join(group);
    this.#group = group;
  }
}

/** The file that outlives a run which is killed. @param name without `/run/netfall/`. */
export function recordFile(root: string, name: string): RecordFile {
  return new JsonRecordFile(
    join(root, 'run/netfall', name),
    new FileTree(root).line('proc/sys/kernel/random/boot_id'),
  );
}

/** Gives back what a run that was killed had taken; touches nothing when there was none. @throws KernelError, Error of fs */
export function restoreLeft(file: RecordFile, kernel: TappedKernel = thisKernel): void {
  if (file.read() === undefined) return;
  const control = kernel.control();
  try {
    giveBack(control, file);
  } finally {
    control.close();
  }
}

function configOf({ mode, truncationBytes, queueLength }: MonitorConfig): MonitorConfig {
  return { mode, truncationBytes, queueLength };
}

/** Whether somebody has the monitor tell software's drops. Leaves it as it was. */
function tellsSoftware(control: MonitorControl): boolean {
  try {
    control.start('software');
  } catch (error) {
    if (error instanceof KernelError && error.code === 'EAGAIN') return true;
    throw error;
  }
  control.stop('software');
  return false;
}

/** A counter that fell was loaded anew. */
function growth(before: number, now: number): number {
  return now < before ? now : now - before;
}
