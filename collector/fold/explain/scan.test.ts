import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { numbers } from '../testing/random-log.ts';
import { compareItems } from './items.ts';
import { type Item, Population } from './population.ts';
import { explain, type ScanOptions } from './scan.ts';

const options: ScanOptions = { chancePpm: 2000, changedUs: () => 0, announced: [] };

/** `racks` racks of `size` hosts, two switches a zone of four racks; firmware goes by the host's place in its rack. */
function fleetOf(racks: number, size: number): { population: Population; hosts: string[] } {
  const population = new Population();
  const hosts: string[] = [];
  for (let rack = 0; rack < racks; rack++) {
    for (let place = 0; place < size; place++) {
      const id = `h${rack}-${place}`;
      hosts.push(id);
      population.set(id, {
        rack: `r${rack}`,
        gateway_mac: `m${rack}`,
        zone: `z${Math.floor(rack / 4)}`,
        firmware: `f${place % 4}`,
        pool: `p${(rack + place) % 5}`,
        vendor: 'V',
      });
    }
  }
  return { population, hosts };
}

const told = (items: readonly Item[]) =>
  items.map(({ attribute, value }) => `${attribute}=${value}`).join(',') || 'fleet';
const explained = (population: Population, hosts: readonly string[], more: Partial<ScanOptions> = {}) =>
  explain(population, hosts, { ...options, ...more });

describe('the scan', () => {
  test('finds a rack, its equivalent, and the numbers of it and of its control group', () => {
    const { population } = fleetOf(25, 40);
    const hosts = Array.from({ length: 38 }, (_, i) => `h7-${i}`);
    const [found, ...more] = explained(population, [...hosts, 'h3-1']);
    expect(more).toEqual([]);
    expect(found).toMatchObject({
      items: [{ attribute: 'rack', value: 'r7' }],
      equivalents: [[{ attribute: 'gateway_mac', value: 'm7' }]],
      ...{ covered: 40, affected: 38, others: 960, othersAffected: 1, hosts: hosts.toSorted() },
    });
  });

  test('tells of what hosts came to last where it explains as well', () => {
    const { population } = fleetOf(25, 40);
    const hosts = Array.from({ length: 38 }, (_, i) => `h7-${i}`);
    const changedUs = ([item]: readonly Item[]) => (item?.attribute === 'gateway_mac' ? 5 : 0);
    expect(told(explained(population, hosts, { changedUs })[0]?.items ?? [])).toBe('gateway_mac=m7');
  });

  test('finds what two causes have in common each', () => {
    const { population, hosts } = fleetOf(25, 40);
    const rack = hosts.filter((id) => id.startsWith('h7-'));
    const pair = hosts.filter((id) =>
      population.fits(id, [
        { attribute: 'firmware', value: 'f1' },
        { attribute: 'zone', value: 'z2' },
      ]),
    );
    const found = explained(population, [...new Set([...rack, ...pair])]);
    expect(found.map(({ items }) => told(items)).sort()).toEqual(['rack=r7', 'zone=z2,firmware=f1'].sort());
  });

  test('two causes are told, not what they have in common, though that is likelier than either', () => {
    const population = new Population();
    const affected: string[] = [];
    for (let i = 0; i < 1000; i++) {
      const rack = Math.floor(i / 40);
      const nic = rack < 16 ? 'mlx' : 'ice';
      const firmware = `${nic} ${rack === 2 ? 1 : i % 2}`;
      population.set(`h${i}`, { rack: `r${rack}`, nic, firmware, pool: `p${i % 7}` });
      const isRack = rack === 2 && i % 40 < 28;
      const isFirmware = firmware === 'mlx 0' && i % 8 < 2;
      if (isRack || isFirmware) affected.push(`h${i}`);
    }
    const found = explained(population, affected).map(({ items, covered, affected: inside }) => {
      return [told(items), inside, covered];
    });
    expect(found).toEqual([
      ['firmware=mlx 0', 75, 300],
      ['rack=r2', 28, 40],
    ]);
  });

  test('the second of two causes is found, though many narrowings of other sets are likelier', () => {
    const population = new Population();
    const affected: string[] = [];
    for (let i = 0; i < 1000; i++) {
      const rack = Math.floor(i / 40);
      const subnet = `n${rack >> 2}`;
      const hasFirmware = (rack > 0 && rack < 4 && i % 10 > 0) || (rack > 15 && rack < 18 && i % 4 === 0);
      const parts = Array.from({ length: 8 }, (_, k) => [`part${k}`, i % (11 + k) === 0 ? 'rare' : 'usual']);
      population.set(`h${i}`, {
        ...{ rack: `r${rack}`, subnet, firmware: hasFirmware ? 'new' : 'old' },
        ...Object.fromEntries(parts),
      });
      const isRack = rack === 0 && i % 40 < 29;
      if (isRack || (hasFirmware && i % 7 < 4)) affected.push(`h${i}`);
    }
    const found = explained(population, affected).map(({ items, covered, affected: inside }) => {
      return [told(items), inside, covered];
    });
    expect(found).toEqual([
      ['firmware=new', 73, 128],
      ['rack=r0', 29, 40],
    ]);
  });

  test.each([
    [3, []],
    [4, ['row=w3,shelf=s7']],
  ])('%d of the 4 hosts that share two values are explained by %j', (affected, found) => {
    const population = new Population();
    const hosts = Array.from({ length: 1000 }, (_, i) => {
      const shelf = Math.floor(i / 40);
      // Neighbours only make for more values.
      population.set(`h${i}`, { shelf: `s${shelf}`, row: `w${i % 10}`, neighbour: `n${i >> 1}` });
      return { id: `h${i}`, isPair: shelf === 7 && i % 10 === 3 };
    });
    const some = hosts.filter(({ isPair }) => isPair).map(({ id }) => id);
    const names = explained(population, some.slice(0, affected)).map(({ items }) => told(items));
    expect(names).toEqual(found);
  });

  test('finds three values together, and no more than it takes', () => {
    const { population, hosts } = fleetOf(100, 40);
    const three = [
      { attribute: 'pool', value: 'p1' },
      { attribute: 'zone', value: 'z2' },
      { attribute: 'firmware', value: 'f1' },
    ];
    const affected = hosts.filter((id) => population.fits(id, three));
    expect(explained(population, affected).map(({ items }) => items)).toEqual([three.toSorted(compareItems)]);
  });

  test('a fleet that is in trouble as a whole has nothing in common but that', () => {
    const { population, hosts } = fleetOf(5, 10);
    expect(explained(population, hosts).map(({ items, affected }) => [told(items), affected])).toEqual([
      ['fleet', 50],
    ]);
  });

  test('scattered hosts have nothing in common, however many they are', () => {
    const { population, hosts } = fleetOf(25, 40);
    expect(
      explained(
        population,
        hosts.filter((_, i) => i % 37 === 0),
      ),
    ).toEqual([]);
    expect(explained(population, ['h1-1'])).toEqual([]);
    expect(explained(population, [])).toEqual([]);
    expect(explained(population, ['nobody', 'h1-1'])).toEqual([]);
  });

  test('a rack stands out of a fleet in which every fiftieth host is in trouble', () => {
    const { population, hosts } = fleetOf(250, 40);
    const draw = numbers(1);
    const affected = hosts.filter((id) => draw(50) === 0 || id.startsWith('h7-'));
    expect(explained(population, affected).map(({ items }) => told(items))).toEqual(['rack=r7']);
  });

  test('names hosts that would tell it from what explains it nearly as well', () => {
    const population = new Population();
    for (let i = 0; i < 200; i++) {
      const rack = Math.floor(i / 10);
      // One host of rack r3 hangs on another switch.
      population.set(`h${i}`, { rack: `r${rack}`, gateway_mac: i === 39 ? 'm4' : `m${rack}` });
    }
    const affected = Array.from({ length: 9 }, (_, i) => `h${30 + i}`);
    const [found] = explained(population, affected);
    expect(told(found?.items ?? [])).toBe('gateway_mac=m3');
    expect(found?.rivals[0]).toEqual({
      items: [{ attribute: 'rack', value: 'r3' }],
      ...{ covered: 10, affected: 9, without: [], beyond: ['h39'] },
    });
  });

  test('what the same hosts have is no rival, and of sets that the same other hosts have one is', () => {
    const population = new Population();
    const affected: string[] = [];
    for (let i = 0; i < 1000; i++) {
      const card = i % 3;
      const firmware = card === 1 && i % 5 > 0 ? 'new' : 'old';
      const isBad = i % 7 === 1 && firmware === 'new';
      if (isBad && i % 2 === 0) affected.push(`h${i}`);
      // All that have both happen to be in one zone.
      const zone = isBad ? 'z0' : `z${i % 2}`;
      population.set(`h${i}`, { pool: `p${i % 7}`, nic: `n${card}`, vendor: `v${card}`, firmware, zone });
    }
    const [found] = explained(population, affected);
    expect(told(found?.items ?? [])).toBe('pool=p1,firmware=new');
    expect(found?.rivals.map(({ items }) => told(items))).toEqual([
      'pool=p1,nic=n1',
      'pool=p1,zone=z0,nic=n1',
    ]);
  });

  test('gives the same answer whatever the numbers of hosts and values are', () => {
    const rows = fc.array(
      fc.record({
        a: fc.integer({ min: 0, max: 2 }),
        b: fc.integer({ min: 0, max: 3 }),
        c: fc.integer({ min: 0, max: 1 }),
        bad: fc.boolean(),
      }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(rows, fc.array(fc.nat(), { maxLength: 80 }), (hosts, order) => {
        const build = (shuffled: boolean) => {
          const population = new Population();
          const all = hosts.map((host, i) => ({ ...host, id: `h${i}` }));
          if (shuffled) {
            // Others come and go before, so that numbers are used again.
            for (const n of order) population.set(`x${n % 20}`, { a: `${n % 7}`, d: `${n % 5}` });
            for (const n of order) population.delete(`x${n % 20}`);
            all.sort(
              (x, y) =>
                (order[Number(x.id.slice(1)) % (order.length || 1)] ?? 0) -
                (order[Number(y.id.slice(1)) % (order.length || 1)] ?? 0),
            );
          }
          for (const { id, a, b, c } of all) population.set(id, { a: `${a}`, b: `${b}`, c: `${c}` });
          const bad = all.filter((host) => host.bad).map(({ id }) => id);
          return explained(population, bad);
        };
        expect(build(true)).toEqual(build(false));
      }),
    );
  });

  test('each explanation counts right, and is of hosts that those before it have not', () => {
    const { population, hosts } = fleetOf(8, 8);
    fc.assert(
      fc.property(fc.subarray(hosts), (affected) => {
        const left = new Set(affected);
        let gone = new Set<string>();
        for (const { items, covered, hosts: of, others, othersAffected, ...found } of explained(
          population,
          affected,
        )) {
          const fits = hosts.filter((id) => !gone.has(id) && population.fits(id, items));
          expect(covered).toBe(fits.length);
          expect(of).toEqual(fits.filter((id) => left.has(id)).sort());
          expect(found.affected).toBe(of.length);
          expect([covered + others, found.affected + othersAffected]).toEqual([64 - gone.size, left.size]);
          for (const { without, beyond } of found.rivals)
            expect(without.length + beyond.length).toBeGreaterThan(0);
          gone = new Set([...gone, ...fits]);
          for (const id of fits) left.delete(id);
        }
      }),
    );
  });
});
