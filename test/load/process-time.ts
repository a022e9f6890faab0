/** What a process has used of processors, and of memory. */
import { readFileSync } from 'node:fs';

/** Processor time of all threads of a process until now, in user space and in the kernel, seconds. */
export function processSeconds(pid: number): number {
  // After the name, which may hold anything; in ticks, of which Linux shows 100 a second everywhere.
  const [, text = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
  const fields = text.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident memory of a process, MB of 1024² bytes; what it shares with others (Node's code) is counted whole. */
export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
}
