/** The kernel's drop monitor as net/core/drop_monitor.c has it, and a record file, both of which a test can cut off. */

import { constants } from 'node:os';
import { KernelError } from '../../../kernel/libc.ts';
import type { Drops, MonitorControl } from '../control.ts';
import type { MonitorRecord, MonitorState, RecordFile } from '../record.ts';
import type { MonitorConfig } from '../requests.ts';

/** As the module comes up. */
export const FRESH: MonitorState = {
  mode: 'summary',
  truncationBytes: 0,
  queueLength: 1000,
  software: false,
  hardware: false,
};

/** Thrown instead of what the process would have done had it not been killed. */
export class Killed extends Error {}

export class FakeMonitor implements MonitorControl {
  state: MonitorState = FRESH;
  /** Whether the kernel has hardware's drops at all (CONFIG_NET_DEVLINK). */
  readonly devlink: boolean;

  constructor(devlink = true) {
    this.devlink = devlink;
  }

  config(): MonitorConfig {
    const { mode, truncationBytes, queueLength } = this.state;
    return { mode, truncationBytes, queueLength };
  }

  configure(config: Partial<MonitorConfig>): void {
    if (this.state.software || this.state.hardware) throw new KernelError('CONFIG', constants.errno.EBUSY);
    this.state = { ...this.state, ...config };
  }

  start(drops: Drops): void {
    if (this.state[drops]) throw new KernelError('START', constants.errno.EAGAIN);
    if (drops === 'hardware' && !this.devlink) throw new KernelError('START', constants.errno.EOPNOTSUPP);
    this.state = { ...this.state, [drops]: true };
  }

  stop(drops: Drops): void {
    this.state = { ...this.state, [drops]: false };
  }
}

export class FakeFile implements RecordFile {
  record: MonitorRecord | undefined;

  read(): MonitorRecord | undefined {
    return this.record;
  }

  write(record: MonitorRecord): void {
    this.record = structuredClone(record);
  }

  remove(): void {
    this.record = undefined;
  }
}

/** Counts the calls of an object's methods, and throws {@link Killed} instead of making the one that has its turn. */
export class Lifetime {
  /** Calls that are still made. */
  remaining = Number.POSITIVE_INFINITY;
  calls = 0;

  limit<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, key) => {
        const member: unknown = Reflect.get(object, key, object);
        if (typeof member !== 'function') return member;
        return (...parameters: unknown[]) => {
          if (this.remaining-- <= 0) throw new Killed();
          this.calls++;
          return Reflect.apply(member, object, parameters);
        };
      },
    });
  }
}
