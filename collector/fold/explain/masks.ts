/** Sets of up to 31 values as the bits of an integer, and how many hosts have them. Pure functions. */

/** How many have all bits of a mask. @param masks how often each occurs */
export function having(masks: ReadonlyMap<number, number>, wanted: number): number {
  let count = 0;
  for (const [mask, times] of masks) if ((mask & wanted) === wanted) count += times;
  return count;
}

/** How often each number occurs. */
export function tally(numbers: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  return counts;
}

/** The sets of `size` bits that any of the masks has, with how many have it. @param masks how often each occurs */
export function combinations(
  masks: ReadonlyMap<number, number>,
  bits: number,
  size: number,
): Map<number, number> {
  const counts = new Map<number, number>();
  const add = (mask: number, from: number, left: number, set: number, times: number): void => {
    if (left === 0) {
      counts.set(set, (counts.get(set) ?? 0) + times);
      return;
    }
    for (let bit = from; bit < bits; bit++) {
      if ((mask & (1 << bit)) !== 0) add(mask, bit + 1, left - 1, set | (1 << bit), times);
    }
  };
  for (const [mask, times] of masks) add(mask, 0, size, 0, times);
  return counts;
}
