/**
 * Takes the kernel's drop monitor, of which there is one for all, and gives it back as it was found: at the end, after
 * other tools have meddled with it, and after a run that was killed. It must not know how commands are sent, nor what
 * the alerts say.
 *
 * The monitor shows how it is set up, but not what runs: an empty configuration is refused while anything does, and a
 * start is refused for what does. So what the monitor is found to be is sometimes learned by changing it.
 */

import { KernelError } from '../../kernel/libc.ts';
import type { Drops, MonitorControl } from './control.ts';
import { asFound, type MonitorRecord, type MonitorState, type RecordFile, sameConfig } from './record.ts';
import type { MonitorConfig } from './requests.ts';

/** How often somebody may start the monitor between our stopping and configuring it. */
const MAX_ATTEMPTS = 3;

export interface MonitorOptions {
  readonly control: MonitorControl;
  readonly file: RecordFile;
  readonly config: MonitorConfig;
  /** Whether hardware's drops are wanted as well, where the kernel has them. */
  readonly hardware: boolean;
}

/** What somebody else did to the monitor. */
export interface Interference {
  readonly what: keyof MonitorState;
  readonly wanted: MonitorState[keyof MonitorState];
  readonly now: MonitorState[keyof MonitorState];
}

export class Monitor {
  readonly #control: MonitorControl;
  readonly #file: RecordFile;
  readonly #wanted: MonitorState;
  #record: MonitorRecord | undefined;

  constructor({ control, file, config, hardware }: MonitorOptions) {
    this.#control = control;
    this.#file = file;
    this.#wanted = { ...config, software: true, hardware };
  }

  /**
   * Takes the monitor over, as it is, and remembers how it was found: in the file before anything is changed. What a
   * run that was killed left behind counts as found as that run had found it.
   * @returns what is monitored; hardware's drops may be missing although they were wanted.
   * @throws KernelError: EPERM without CAP_NET_ADMIN; Error of fs. `stop()` then gives back what was taken.
   */
  start(): { readonly software: boolean; readonly hardware: boolean } {
    this.#record = this.#file.read();
    const record = this.#record;
    const now = this.#look();
    return this.#impose(record === undefined ? now : asFound(record, now), this.#wanted, now);
  }

  /**
   * Looks whether the monitor is still as it was left, and makes it so again. What others changed is what they will
   * get back in the end. To be called every second or so: three or four short transactions.
   * @returns what was changed; empty when nothing was.
   * @throws KernelError, Error of fs
   */
  check(): Interference[] {
    const record = this.#record;
    if (record === undefined) return [];
    const now = this.#glance(record.left) ?? this.#look();
    const interference = differences(record.left, now);
    if (interference.length > 0 || record.before !== undefined) {
      this.#impose(asFound(record, now), this.#wanted, now);
    }
    return interference;
  }

  /**
   * Gives the monitor back: as it was found, but for what others changed since. Does nothing when it was not taken,
   * also by no run before that was killed; can be called again when it failed.
   * @throws KernelError, Error of fs
   */
  stop(): void {
    this.#record ??= this.#file.read();
    const record = this.#record;
    if (record === undefined) return;
    const now = this.#look();
    const found = asFound(record, now);
    this.#impose(found, found, now);
    this.#record = undefined;
    this.#file.remove();
  }

  /** Makes the monitor what `wanted` says, and the record true at every step. @returns what was possible of it. */
  #impose(found: MonitorState, wanted: MonitorState, now: MonitorState): MonitorState {
    this.#write({ found, left: wanted, before: now });
    let { software, hardware } = now;
    if (!sameConfig(wanted, now)) {
      this.#reconfigure(wanted);
      software = hardware = false;
    }
    software = this.#switch('software', software, wanted.software);
    hardware = this.#switch('hardware', hardware, wanted.hardware);
    const left = { ...wanted, software, hardware };
    this.#write({ found, left });
    return left;
  }

  #reconfigure({ mode, truncationBytes, queueLength }: MonitorConfig): void {
    for (let attempt = 1; ; attempt++) {
      this.#control.stop('software');
      this.#control.stop('hardware');
      try {
        this.#control.configure({ mode, truncationBytes, queueLength });
        return;
      } catch (error) {
        // Somebody started it in between.
        if (!isCode(error, 'EBUSY') || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  #write(record: MonitorRecord): void {
    this.#file.write(record);
    this.#record = record;
  }

  /** @returns whether the drops are monitored now. */
  #switch(drops: Drops, on: boolean, wanted: boolean): boolean {
    if (on === wanted) return on;
    if (wanted) return this.#tryStart(drops) !== 'unsupported';
    this.#control.stop(drops);
    return false;
  }

  /** How the monitor is. Starts for a moment what is off while something else is on, since nothing else tells. */
  #look(): MonitorState {
    const config = this.#control.config();
    if (!this.#runs()) return { ...config, software: false, hardware: false };
    const record = this.#record;
    if (record !== undefined) this.#write({ ...record, before: record.before ?? record.left });
    const software = this.#isOn('software');
    // Something is.
    const hardware = software ? this.#isOn('hardware') : true;
    return { ...config, software, hardware };
  }

  #isOn(drops: Drops): boolean {
    const answer = this.#tryStart(drops);
    if (answer === 'started') this.#control.stop(drops);
    return answer === 'already';
  }

  /** How the monitor is when it is set up as it was left; drops that were not left on are taken to be off. */
  #glance(left: MonitorState): MonitorState | undefined {
    const config = this.#control.config();
    if (!sameConfig(config, left)) return undefined;
    if (!this.#runs()) return { ...config, software: false, hardware: false };
    // What was stopped is on again by this, as it shall be.
    const software = left.software && this.#tryStart('software') === 'already';
    const hardware = left.hardware && this.#tryStart('hardware') === 'already';
    return { ...config, software, hardware };
  }

  #runs(): boolean {
    try {
      this.#control.configure({});
      return false;
    } catch (error) {
      if (isCode(error, 'EBUSY')) return true;
      throw error;
    }
  }

  #tryStart(drops: Drops): 'started' | 'already' | 'unsupported' {
    try {
      this.#control.start(drops);
      return 'started';
    } catch (error) {
      if (isCode(error, 'EAGAIN')) return 'already';
      if (isCode(error, 'ENOTSUP') && drops === 'hardware') return 'unsupported';
      throw error;
    }
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof KernelError && error.code === code;
}

function differences(wanted: MonitorState, now: MonitorState): Interference[] {
  const keys: (keyof MonitorState)[] = ['mode', 'truncationBytes', 'queueLength', 'software', 'hardware'];
  return keys
    .filter((what) => now[what] !== wanted[what])
    .map((what) => ({ what, wanted: wanted[what], now: now[what] }));
}
