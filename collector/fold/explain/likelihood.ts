/** By how much what is seen on hosts is likelier than by another rate, in nats. Pure functions. */
import { ln } from './ln.ts';

/** By how much a rate of `affected` in `covered` hosts is likelier than a rate of `chance`, nats; 0 where it is lower. */
export function likelihood(covered: number, affected: number, chance: number): number {
  return affected <= covered * chance ? 0 : divergence(covered, affected, chance);
}

/** The same, also of a rate that is lower. */
export function divergence(covered: number, affected: number, chance: number): number {
  const well = covered - affected;
  const rate = affected / covered;
  const more = affected === 0 ? 0 : affected * ln(rate / chance);
  return more + (well === 0 ? 0 : well * ln((1 - rate) / (1 - chance)));
}
