/**
 * The CPUs that this machine could have, which is how many values a per-CPU map holds.
 */

import { readFileSync } from 'node:fs';

/** The number of CPUs in a kernel CPU list such as `0-3,8-11`. @throws RangeError for anything else. */
export function countCpus(list: string): number {
  let count = 0;
  for (const range of list.trim().split(',')) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(range);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? first);
    if (match === null || last < first) throw new RangeError(`'${list.trim()}' is not a list of CPUs`);
    count += last - first + 1;
  }
  return count;
}

/** The number of possible CPUs (not only of those online). @param root stands in for `/`. */
export function possibleCpuCount(root = '/'): number {
  return countCpus(readFileSync(`${root}/sys/devices/system/cpu/possible`, 'latin1'));
}
