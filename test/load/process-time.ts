/** What a process has used of processors. */
import { readFileSync } from 'node:fs';

/** Processor time of all threads of a process until now, in user space and in the kernel, seconds. */
export function processSeconds(pid: number): number {
  // After the name, which may hold anything; in ticks, of which Linux shows 100 a second everywhere.
  const [, text = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
  const fields = text.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
