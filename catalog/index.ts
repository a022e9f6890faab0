/** What drops mean: looked up by reason and function, the same for the fold, the CLI and what people are told. */
import { createHash } from 'node:crypto';
import { type DropMeaning, dropMeanings } from './drops.ts';

export type { DropMeaning } from './drops.ts';
export {
  type CounterRule,
  counterRule,
  countersOf,
  type ReasonRule,
  type Rule,
  reasonRule,
} from './rules.ts';
export type { CountedBy } from './schema.ts';

/** SHA-256 of the catalog, hex: two replicas with the same digest classify alike. */
export const catalogDigest: string = createHash('sha256').update(JSON.stringify(dropMeanings)).digest('hex');

const byKey: ReadonlyMap<string, DropMeaning> = new Map(
  dropMeanings.map((row) => [`${row.reason}/${row.function ?? ''}`, row]),
);

/** The catalog's row for a drop; one for a reason it does not know says so and counts as trouble worth a warning. */
export function dropMeaning(reason: string, fn: string): DropMeaning {
  return byKey.get(`${reason}/${fn}`) ?? byKey.get(`${reason}/`) ?? unknown(reason);
}

function unknown(reason: string): DropMeaning {
  return {
    reason,
    everyday: false,
    severity: 'warning',
    meaning: `The kernel dropped packets for ${reason}.`,
  };
}
