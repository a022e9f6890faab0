import { expect, test } from 'vitest';
import { ATTRIBUTES, type Attribute, Fleet, inventoryOf } from './fleet.ts';
import { Random } from './random.ts';

const fleet = new Fleet(4000, new Random('fleet'));

/** Values of `of` that hosts of one value of `by` have, at most. */
function most(by: Attribute, of: Attribute): number {
  return Math.max(
    ...Array.from(fleet.by(by).values(), (hosts) => new Set(hosts.map(({ values }) => values[of])).size),
  );
}

test('ids and addresses are nobody else’s', () => {
  for (const size of [20, 4000, 100_000]) {
    const { hosts } = new Fleet(size, new Random('any'));
    expect(new Set(hosts.map(({ id }) => id)).size).toBe(size);
    expect(new Set(hosts.map(({ address }) => address)).size).toBe(size);
    expect(hosts.filter(({ address, values }) => !values.subnet.startsWith(prefix(address)))).toEqual([]);
  }
});

function prefix(address: string): string {
  return address.slice(0, address.lastIndexOf('.') + 1);
}

test('attributes depend on each other as they do in fleets', () => {
  const racks = [...fleet.by('rack').values()];
  expect(racks.length).toBe(100);
  expect(new Set(racks.map(({ length }) => length))).toEqual(new Set([40]));
  // A rack is in one place, and was bought at once.
  for (const of of ['zone', 'subnet', 'product', 'vendor', 'cpu', 'nic'] as const)
    expect(most('rack', of)).toBe(1);
  expect(most('firmware', 'nic')).toBe(1);
  expect(most('kernel', 'image')).toBe(1);
  expect(most('image', 'kernel')).toBe(2);
  expect(most('microcode', 'cpu')).toBe(1);
  // Services are everywhere.
  expect(most('pool', 'rack')).toBeGreaterThan(50);
});

test('most racks have a switch of their own, some share one, and some have two', () => {
  const switches = new Map<string, number>();
  for (const hosts of fleet.by('gateway_mac').values()) {
    const racks = new Set(hosts.map(({ values }) => values.rack)).size;
    const kind = racks > 1 ? 'shared' : hosts.length < 40 ? 'half' : 'own';
    switches.set(kind, (switches.get(kind) ?? 0) + 1);
  }
  expect(Object.fromEntries(switches)).toEqual({ own: 72, shared: 9, half: 20 });
});

test('the inventory has all attributes', () => {
  const [host] = fleet.hosts;
  const { nics, labels, ...inventory } = inventoryOf(host!, host!.values);
  const text = JSON.stringify({ inventory, nics, labels });
  const { firmware, nic, ...values } = host!.values;
  expect(nics).toMatchObject([{ driver: nic, firmware: firmware.slice(nic.length + 1) }]);
  for (const key of ATTRIBUTES) {
    if (key in values) expect(text).toContain(JSON.stringify(values[key as keyof typeof values]));
  }
  expect(inventory.addresses).toEqual([host!.address]);
});
