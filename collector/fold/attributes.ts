/** What explanations are made of: the facts of an inventory that hosts can share, and the operator's labels. Pure. */
import type { Inventory } from '@netfall/proto';

/** A host's attributes, by key. A label of the operator's replaces what the inventory has under its key. */
export function attributesOf(inventory: Inventory | null): Readonly<Record<string, string>> {
  if (!inventory) return {};
  const found: Record<string, string> = {};
  const add = (key: string, value: string) => {
    if (value !== '') found[key] = value;
  };
  add('kernel', inventory.kernel);
  add('image', inventory.image);
  add('cmdline', inventory.cmdline_digest);
  add('vendor', inventory.vendor);
  add('product', inventory.product);
  add('cpu', inventory.cpu);
  add('microcode', inventory.microcode);
  add('gateway_mac', inventory.gateway_mac);
  add('subnet', inventory.subnet);
  const { nics } = inventory;
  add('nic', joined(nics.map(({ driver }) => driver)));
  add(
    'firmware',
    joined(nics.map(({ driver, firmware }) => (firmware === '' ? '' : `${driver} ${firmware}`))),
  );
  for (const { key, value } of inventory.labels) add(key, value);
  return found;
}

/** What differs between two sets of attributes: the keys whose value is another one in `after`. */
export function changedKeys(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly string[] {
  return Object.keys(after).filter((key) => before[key] !== undefined && before[key] !== after[key]);
}

function joined(names: readonly string[]): string {
  return [...new Set(names)].filter(Boolean).sort().join(', ');
}
