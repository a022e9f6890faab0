/**
 * Has the drop monitor tell hardware's drops and changes nothing else of it, for when another source counts the rest. It
 * must not know how commands are sent.
 */

import { KernelError } from '../../kernel/libc.ts';
import type { MonitorControl } from './control.ts';
import { type Interference, Monitor } from './monitor.ts';
import type { RecordFile } from './record.ts';

export class HardwareFlag {
  readonly #control: MonitorControl;
  readonly #file: RecordFile;
  #ours = false;

  constructor(control: MonitorControl, file: RecordFile) {
    this.#control = control;
    this.#file = file;
  }

  /** @throws KernelError: ENOTSUP when the kernel has none of them, EPERM without CAP_NET_ADMIN; Error of fs */
  start(): void {
    giveBack(this.#control, this.#file);
    this.#switchOn();
  }

  /** Switches it on again when somebody switched it off. @throws KernelError, Error of fs */
  check(): Interference[] {
    return this.#switchOn() ? [{ what: 'hardware', wanted: true, now: false }] : [];
  }

  /** Switches it off if it was off. @throws KernelError, Error of fs */
  stop(): void {
    if (!this.#ours) return;
    this.#control.stop('hardware');
    this.#file.remove();
    this.#ours = false;
  }

  /** @returns whether it was off. */
  #switchOn(): boolean {
    // Whether software's drops are told does not matter: what is found and left alike stays as it is.
    const found = { ...this.#control.config(), software: false, hardware: false };
    if (!this.#ours) this.#file.write({ found, left: { ...found, hardware: true } });
    try {
      this.#control.start('hardware');
      this.#ours = true;
      return true;
    } catch (error) {
      if (!this.#ours) this.#file.remove();
      if (error instanceof KernelError && error.code === 'EAGAIN') return false;
      throw error;
    }
  }
}

/** Leaves the monitor as a run that was killed had found it. @throws KernelError, Error of fs */
export function giveBack(control: MonitorControl, file: RecordFile): void {
  const config = { mode: 'packet', truncationBytes: 0, queueLength: 0 } as const;
  new Monitor({ control, file, config, hardware: false }).stop();
}
