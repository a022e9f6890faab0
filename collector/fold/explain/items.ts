/** The order in which attribute values are told, and sets of them. */
import type { Item } from './population.ts';

/** An attribute's place where equivalents are told: labels that operators gave, then what they know, then identifiers. */
const ORDER = [
  'firmware',
  'nic',
  'kernel',
  'image',
  'product',
  'vendor',
  'cpu',
  'microcode',
  'subnet',
  'gateway_mac',
  'cmdline',
];

export function compareItems(a: Item, b: Item): number {
  return (
    ORDER.indexOf(a.attribute) - ORDER.indexOf(b.attribute) ||
    compare(a.attribute, b.attribute) ||
    compare(a.value, b.value)
  );
}

/** Sets, each in the order of its items. */
export function compareSets(a: readonly Item[], b: readonly Item[]): number {
  for (const [i, item] of a.entries()) {
    const other = b[i];
    const order = other ? compareItems(item, other) : 1;
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
