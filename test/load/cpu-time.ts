/**
 * Processor time of the machine that a benchmark causes: that of this process and all that it starts, in a
 * control group of its own, and that of the kernel's softirq threads, which work on its behalf. Other programs
 * on the machine do not count. Needs root; works with control groups version 1 and 2.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';

const V1 = '/sys/fs/cgroup/cpuacct';
const V2 = '/sys/fs/cgroup';

export class CpuTime {
  readonly #root: string;
  readonly #directory: string;
  readonly #softirqThreads: readonly string[];

  /** Moves this process, and so what it starts from now on, into the group. */
  constructor(label: string) {
    this.#root = existsSync(`${V1}/cpuacct.usage`) ? V1 : V2;
    this.#directory = `${this.#root}/${label}-${process.pid}`;
    mkdirSync(this.#directory);
    writeFileSync(`${this.#directory}/cgroup.procs`, String(process.pid));
    this.#softirqThreads = readdirSync('/proc').filter(
      (pid) => /^\d+$/.test(pid) && commandOf(pid).startsWith('ksoftirqd/'),
    );
  }

  /** Nanoseconds until now. */
  read(): number {
    let nanoseconds = this.#group();
    for (const pid of this.#softirqThreads) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0]);
    }
    return nanoseconds;
  }

  /** Moves this process back to where all groups begin. What it started must have ended. */
  [Symbol.dispose](): void {
    writeFileSync(`${this.#root}/cgroup.procs`, String(process.pid));
    rmdirSync(this.#directory);
  }

  #group(): number {
    if (this.#root === V1) return Number(readFileSync(`${this.#directory}/cpuacct.usage`, 'latin1'));
    const stat = readFileSync(`${this.#directory}/cpu.stat`, 'latin1');
    return Number(/^usage_usec (\d+)$/m.exec(stat)?.[1]) * 1000;
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1');
  } catch {
    return '';
  }
}
