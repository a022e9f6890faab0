/**
 * The explanation scan: which attributes that hosts share explain the set of hosts on which something is wrong. Pure: a
 * population and some of its hosts in, explanations out. docs/correlation.md tells the method. What is wrong with the hosts,
 * and what becomes of the answer, is not known here.
 */
import { compareItems, compareSets } from './items.ts';
import { divergence, likelihood } from './likelihood.ts';
import { ln } from './ln.ts';
import { combinations, having, tally } from './masks.ts';
import { type Item, maskOfAll, type Population } from './population.ts';

/** Explanations of one set of hosts. */
const MOST_EXPLANATIONS = 5;
/** Nats that each further item of an explanation costs. */
const ITEM_NATS = 6;
/**
 * Nats by which the best explanation, less what its items cost, has to be more than what chance finds among so many values:
 * ln(V²/2) and this.
 */
const CHANCE_NATS = 3;
/** Nats by which its hosts have to differ from all others beyond what one of so many values does by chance: ln V and this. */
const APART_NATS = 2;
/** Values that pairs and triples are made of: as many as an integer has bits. */
const MOST_PARTS = 31;
/** Pairs, or triples, that are counted in the whole fleet: the likeliest, by a guess that is this much too good. */
const MOST_SETS = 64;
const GUESS_SLACK = 8;
/**
 * Likeliest sets of which two may explain more than one does. Single values are looked at beside them: where the first cause
 * has many narrowings, all of these may be likelier than the second.
 */
const MOST_OF_TWO = 16;
/** Sets of another extent that are told as well, and how near they have to be to the best, nats. */
const MOST_RIVALS = 3;
const RIVAL_NATS = 12;
/** Share of a fleet from which trouble counts as the fleet's, rather than that of hosts that have nothing in common. */
const FLEET_SHARE = 0.25;

export interface Found {
  /** What its hosts have in common, in canonical order; none: they are of the whole fleet. */
  readonly items: readonly Item[];
  /** Other sets of values that exactly the same hosts have. */
  readonly equivalents: readonly (readonly Item[])[];
  /** Hosts that have all of the items, and affected ones among them. */
  readonly covered: number;
  readonly affected: number;
  /** Hosts that have not, and affected ones among them: the control group. */
  readonly others: number;
  readonly othersAffected: number;
  /** By how much it is likelier than chance, nats. */
  readonly nats: number;
  /** The affected ones among its hosts, by id. */
  readonly hosts: readonly string[];
  /** The best sets that other hosts have. */
  readonly rivals: readonly Rival[];
}

/** A set of values that explains nearly as well. */
export interface Rival {
  readonly items: readonly Item[];
  readonly covered: number;
  readonly affected: number;
  /** Hosts that tell the two apart, by id, a few: those that the explanation has and the rival has not, and the other way round. */
  readonly without: readonly string[];
  readonly beyond: readonly string[];
}

export interface ScanOptions {
  /** How many of a million hosts are affected at any moment by chance alone. */
  readonly chancePpm: number;
  /** When hosts came to have these values, the last of them, µs; 0 when it is not known. Of sets as good the latest is taken. */
  readonly changedUs: (items: readonly Item[], hosts: readonly string[]) => number;
  /** Sets of values that something was announced about: fewer hosts are enough for them than among all sets there are. */
  readonly announced: readonly (readonly Item[])[];
}

/** A set of values that is looked at. */
interface Candidate {
  readonly numbers: readonly number[];
  readonly covered: number;
  readonly affected: number;
  readonly nats: number;
  readonly gain: number;
}

/** Hosts that have the second of two sets and not the first, and hosts that have neither. */
interface Apart {
  readonly covered: number;
  readonly affected: number;
  readonly others: number;
  readonly othersAffected: number;
}

/** Explains some hosts of a population, the best explanation first; each is of the hosts that those before it leave. */
export function explain(
  population: Population,
  hosts: readonly string[],
  options: ScanOptions,
): readonly Found[] {
  const found: Found[] = [];
  const scan = new Scan(population, hosts, options);
  while (found.length < MOST_EXPLANATIONS) {
    const next = scan.next();
    if (!next) break;
    found.push(next);
  }
  return found;
}

/** What telling of so many items costs, nats. */
function penalty(items: number): number {
  return ITEM_NATS * Math.max(0, items - 1);
}

class Scan {
  readonly #population: Population;
  readonly #options: ScanOptions;
  readonly #least: number;
  readonly #leastApart: number;
  /** Slots of hosts that no explanation has yet. */
  #rest: number[];
  /** Of slots: 1 where an explanation covers the host, so that it counts no more. */
  readonly #gone: Uint8Array;
  readonly #goneSlots: number[] = [];
  #size: number;
  /** How many hosts have a value, without those that are gone. */
  readonly #counts: Int32Array;

  constructor(population: Population, hosts: readonly string[], options: ScanOptions) {
    this.#population = population;
    this.#options = options;
    this.#rest = hosts.flatMap((id) => population.slotOf(id) ?? []);
    this.#gone = new Uint8Array(population.capacity);
    this.#size = population.size;
    this.#counts = new Int32Array(population.values);
    for (let i = 0; i < population.values; i++) this.#counts[i] = population.count(i);
    const values = Math.max(2, population.sharedValues);
    this.#least = ln((values * values) / 2) + CHANCE_NATS;
    this.#leastApart = ln(values) + APART_NATS;
  }

  /** The next explanation, whose hosts are then gone; null when nothing explains what is left. */
  next(): Found | null {
    if (this.#rest.length < 2) return null;
    const singles = this.#singles();
    const considered = [...this.#fleet(), ...singles];
    if (considered.length === 0) return null;
    let best = this.#bestOf(considered);
    let smaller: readonly Candidate[] = [];
    for (const size of [2, 3]) {
      const larger = this.#joined(singles, smaller, size, best.gain);
      considered.push(...larger);
      best = this.#bestOf([best, ...larger]);
      smaller = larger;
    }
    best = this.#ofTwo(best, considered) ?? best;
    // Where what the likeliest set tells apart may well be the same, it is the whole fleet's trouble, or nobody's.
    if (best.numbers.length > 0 && !this.#isMoreThanChance(best)) {
      const [other] = [...this.#announced(), ...this.#fleet()];
      if (!other) return null;
      best = other;
    }
    if (best.numbers.length === 0 && best.nats < this.#least) return null;
    const others = this.#size - best.covered;
    const othersAffected = this.#rest.length - best.affected;
    const slots = this.#rest.filter((slot) => this.#population.hasAll(slot, best.numbers));
    const hosts = slots.map((slot) => this.#population.hostAt(slot)).sort();
    const same = this.#equivalents(best, considered);
    const ranked = same
      .map((items) => ({ items, changedUs: this.#options.changedUs(items, hosts) }))
      .sort((a, b) => b.changedUs - a.changedUs || compareSets(a.items, b.items));
    const [items = [], ...equivalents] = ranked.map((one) => one.items);
    const rivals = this.#rivals(best, considered);
    const result = {
      ...{ items, equivalents, covered: best.covered, affected: best.affected, others, othersAffected },
      ...{ nats: best.nats, hosts, rivals },
    };
    // What is left of a fleet that is in trouble as a whole has nothing in common.
    if (items.length === 0) this.#rest = [];
    else this.#remove(best.numbers);
    return result;
  }

  /**
   * A set that tells hosts in trouble from others: its likelihood, held against the rate among all others where that is more
   * than chance, and its gain: by how much telling the two groups apart is likelier than chance alone. A set whose hosts are
   * in less trouble than all others explains nothing.
   */
  #candidate(numbers: readonly number[], covered: number, affected: number): Candidate {
    const others = this.#size - covered;
    const othersAffected = this.#rest.length - affected;
    const control = others === 0 ? 1 : othersAffected / others;
    const nats = likelihood(covered, affected, Math.max(this.#chance, control));
    if (nats === 0) return { numbers, covered, affected, nats, gain: 0 };
    return { numbers, covered, affected, nats, gain: this.#gain(numbers.length, covered, affected) };
  }

  #gain(items: number, covered: number, affected: number): number {
    const inside = likelihood(covered, affected, this.#chance);
    const others = this.#size - covered;
    const outside = others === 0 ? 0 : likelihood(others, this.#rest.length - affected, this.#chance);
    return inside + outside - penalty(items);
  }

  /** Sets that something was announced about and that chance would not find among as many, the likeliest first. */
  #announced(): readonly Candidate[] {
    const { announced } = this.#options;
    const least = ln(Math.max(2, announced.length)) + CHANCE_NATS;
    return announced
      .flatMap((items) => {
        const numbers = this.#population.numbersOf(items);
        if (!numbers) return [];
        const covered = this.#count(numbers);
        const affected = this.#rest.filter((slot) => this.#population.hasAll(slot, numbers)).length;
        return affected >= 2 ? [this.#candidate(numbers, covered, affected)] : [];
      })
      .filter((candidate) => candidate.nats >= least && this.#isApart(candidate, least))
      .sort((a, b) => b.gain - a.gain || this.#compareNumbers(a, b));
  }

  /** Whether a set is more than what chance finds among all there are. */
  #isMoreThanChance(candidate: Candidate): boolean {
    const nats = candidate.nats - penalty(candidate.numbers.length);
    return nats >= this.#least && this.#isApart(candidate, this.#leastApart);
  }

  /** Whether a set's hosts differ from all others by more than what chance finds. */
  #isApart({ numbers, covered, affected }: Candidate, least: number): boolean {
    const all = this.#rest.length;
    const others = this.#size - covered;
    if (others === 0) return false;
    if (all === this.#size) return false;
    const rate = all / this.#size;
    const apart = divergence(covered, affected, rate) + divergence(others, all - affected, rate);
    return apart - penalty(numbers.length) >= least;
  }

  get #chance(): number {
    return this.#options.chancePpm / 1_000_000;
  }

  /** The whole fleet, where enough of it is affected: it has no control group. */
  #fleet(): readonly Candidate[] {
    const affected = this.#rest.length;
    if (affected < FLEET_SHARE * this.#size) return [];
    const nats = likelihood(this.#size, affected, this.#chance);
    return [{ numbers: [], covered: this.#size, affected, nats, gain: nats }];
  }

  /** Fewer affected hosts than this say nothing. */
  get #fewest(): number {
    return Math.max(2, this.#rest.length / 100);
  }

  #singles(): Candidate[] {
    const population = this.#population;
    const affected = new Int32Array(population.values);
    for (const slot of this.#rest) {
      for (let place = 0; ; place++) {
        const value = population.valueAt(slot, place);
        if (value < 0) break;
        affected[value] = (affected[value] as number) + 1;
      }
    }
    const singles: Candidate[] = [];
    for (let value = 0; value < affected.length; value++) {
      const count = affected[value] as number;
      if (count >= this.#fewest) singles.push(this.#candidate([value], this.#counts[value] as number, count));
    }
    return singles;
  }

  /**
   * The sets of `size` values that might beat `best`, counted: what affects hosts that have them all, and those alone.
   * @param smaller those of one value less, where they are more than single values
   */
  #joined(
    singles: readonly Candidate[],
    smaller: readonly Candidate[],
    size: number,
    best: number,
  ): Candidate[] {
    // At best every host that has the set is affected.
    const mightBeat = (covered: number, affected: number) =>
      this.#gain(size, covered, affected) > best &&
      likelihood(covered, affected, this.#chance) - penalty(size) > this.#least;
    const parts = singles
      // A value that all hosts have narrows nothing.
      .filter(({ covered, affected }) => covered < this.#size && mightBeat(affected, affected))
      .sort((a, b) => b.affected - a.affected || b.gain - a.gain || this.#compareNumbers(a, b))
      .slice(0, MOST_PARTS);
    if (parts.length < size) return [];
    const bitOf = this.#population.bitsOf(parts.flatMap(({ numbers }) => numbers));
    const sets: { readonly mask: number; readonly affected: number; readonly gain: number }[] = [];
    // Most sets have a few hosts: what so many are worth at best is reckoned once.
    const atBest: boolean[] = [];
    for (const [mask, affected] of combinations(this.#masksOf(this.#rest, bitOf), parts.length, size)) {
      if (affected < this.#fewest) continue;
      atBest[affected] ??= mightBeat(affected, affected);
      if (!atBest[affected]) continue;
      const covered = Math.max(affected, this.#guess(membersOf(mask, parts)));
      if (mightBeat(covered, affected))
        sets.push({ mask, affected, gain: this.#gain(size, covered, affected) });
    }
    sets.sort((a, b) => b.gain - a.gain || a.mask - b.mask);
    const likeliest = sets.slice(0, MOST_SETS).map(({ mask, affected }) => {
      const members = membersOf(mask, parts);
      return { mask, affected, members, numbers: members.map((part) => part.numbers[0] as number) };
    });
    if (likeliest.length === 0) return [];
    const counts = this.#population.countSets(likeliest.map(({ numbers }) => numbers));
    const gone = this.#masksOf(this.#goneSlots, bitOf);
    return likeliest.flatMap(({ mask, affected, members, numbers }, i) => {
      const covered = (counts[i] as number) - having(gone, mask);
      // Some of its values say it all: the set narrows nothing.
      const saysAll = (part: Candidate) => {
        return part.covered === covered && part.numbers.every((number) => numbers.includes(number));
      };
      if ([...members, ...smaller].some(saysAll)) return [];
      return [this.#candidate(numbers, covered, affected)];
    });
  }

  /** How few hosts may well have all of these values: were they independent, and fewer by GUESS_SLACK since they are not. */
  #guess(parts: readonly Candidate[]): number {
    const independent = parts.reduce((product, { covered }) => (product * covered) / this.#size, this.#size);
    return Math.floor(independent / GUESS_SLACK);
  }

  /** The likeliest; of those as likely the one with fewer items, then the one that fewer hosts have. */
  #bestOf(candidates: readonly Candidate[]): Candidate {
    return candidates.reduce((best, other) => {
      const order =
        best.gain - other.gain ||
        other.numbers.length - best.numbers.length ||
        other.covered - best.covered ||
        this.#compareNumbers(other, best);
      return order < 0 ? other : best;
    });
  }

  /**
   * What two causes have in common may be likelier than either of them: where two sets explain more than the best one does, by
   * what another explanation has to be worth, this is the first of the two. Null where none do.
   */
  #ofTwo(best: Candidate, considered: readonly Candidate[]): Candidate | null {
    const likeliest = this.#distinct(considered);
    const bitOf = this.#population.bitsOf(likeliest.flatMap(({ numbers }) => numbers));
    const [rest, gone] = [this.#masksOf(this.#rest, bitOf), this.#masksOf(this.#goneSlots, bitOf)];
    const firsts = likeliest.filter((one) => this.#isMoreThanChance(one));
    let most = best.gain + this.#least;
    const pairs = firsts.flatMap((first) => {
      return likeliest.flatMap((second) => {
        if (first === second) return [];
        if (this.#gainOfTwo(first, second, this.#atBest(first, second)) <= most) return [];
        const mask = maskOfAll([...first.numbers, ...second.numbers], bitOf);
        const affected = second.affected - having(rest, mask);
        return affected < this.#fewest ? [] : [{ first, second, mask, affected }];
      });
    });
    const counts = this.#population.countSets(
      pairs.map(({ first, second }) => [...first.numbers, ...second.numbers]),
    );
    let found: Candidate | null = null;
    for (const [i, { first, second, mask, affected }] of pairs.entries()) {
      const covered = second.covered - (counts[i] as number) + having(gone, mask);
      const others = this.#size - first.covered - covered;
      const othersAffected = this.#rest.length - first.affected - affected;
      const gain = this.#gainOfTwo(first, second, { covered, affected, others, othersAffected });
      if (gain <= most) continue;
      most = gain;
      found = first;
    }
    return found;
  }

  /** The gain of two sets. @param apart hosts that have the second and not the first, and those that have neither */
  #gainOfTwo(first: Candidate, second: Candidate, apart: Apart): number {
    const { covered, affected, others, othersAffected } = apart;
    return (
      likelihood(first.covered, first.affected, this.#chance) +
      likelihood(covered, affected, this.#chance) +
      (others === 0 ? 0 : likelihood(others, othersAffected, this.#chance)) -
      penalty(first.numbers.length) -
      penalty(second.numbers.length)
    );
  }

  /**
   * What no two sets can gain more by: whoever has the second is affected, and has not the first; and no host that is well
   * counts against the others but those that have neither for certain. Spares counting the fleet for pairs of no use.
   */
  #atBest(first: Candidate, second: Candidate): Apart {
    const { affected } = second;
    const othersAffected = Math.max(0, this.#rest.length - first.affected - affected);
    const others = Math.max(othersAffected, this.#size - first.covered - second.covered);
    return { covered: affected, affected, others, othersAffected };
  }

  /**
   * The likeliest sets that differ in how many hosts have them, and single values beside them, so many that an integer has
   * bits for their values.
   */
  #distinct(considered: readonly Candidate[]): readonly Candidate[] {
    const distinct = new Map<string, Candidate>();
    const numbers = new Set<number>();
    for (const one of considered.toSorted((a, b) => b.gain - a.gain || this.#compareNumbers(a, b))) {
      const key = `${one.covered} ${one.affected}`;
      if (one.numbers.length === 0 || distinct.has(key)) continue;
      if (distinct.size >= MOST_OF_TWO && one.numbers.length > 1) continue;
      for (const number of one.numbers) numbers.add(number);
      if (numbers.size > MOST_PARTS) break;
      distinct.set(key, one);
    }
    return [...distinct.values()];
  }

  /** What a candidate's values are, and all sets as small that exactly its hosts have. */
  #equivalents(best: Candidate, considered: readonly Candidate[]): readonly (readonly Item[])[] {
    if (best.numbers.length === 0) return [[]];
    return considered
      .filter((other) => other.numbers.length === best.numbers.length && this.#isSame(best, other))
      .map((one) => this.#items(one));
  }

  /** Whether the same hosts have both. */
  #isSame(one: Candidate, other: Candidate): boolean {
    if (one === other) return true;
    if (one.covered !== other.covered || one.affected !== other.affected) return false;
    return this.#count([...one.numbers, ...other.numbers]) === one.covered;
  }

  /** The best sets that other hosts have, for the same trouble: other ones than the explanation's, and than each other's. */
  #rivals(best: Candidate, considered: readonly Candidate[]): readonly Rival[] {
    if (best.numbers.length === 0) return [];
    const hosts = this.#rest.filter((slot) => this.#population.hasAll(slot, best.numbers));
    const near = considered
      .filter((other) => {
        if (other.numbers.length === 0 || best.gain - other.gain >= RIVAL_NATS) return false;
        const both = hosts.filter((slot) => this.#population.hasAll(slot, other.numbers)).length;
        return both * 2 >= Math.max(best.affected, other.affected);
      })
      .sort((a, b) => b.gain - a.gain || this.#compareNumbers(a, b));
    const apart = [best];
    for (const other of near) {
      if (apart.length > MOST_RIVALS) break;
      if (!apart.some((one) => this.#isSame(one, other))) apart.push(other);
    }
    return apart.length === 1 ? [] : this.#toldApart(best, apart.slice(1));
  }

  /** Rivals, with hosts that tell them apart from the explanation. */
  #toldApart(best: Candidate, rivals: readonly Candidate[]): readonly Rival[] {
    const population = this.#population;
    const bitOf = population.bitsOf([best, ...rivals].flatMap(({ numbers }) => numbers));
    const bestMask = maskOfAll(best.numbers, bitOf);
    const found = rivals.map((rival) => {
      const without: string[] = [];
      const beyond: string[] = [];
      return { rival, mask: maskOfAll(rival.numbers, bitOf), without, beyond };
    });
    this.#each((slot) => {
      const mask = population.maskOf(slot, bitOf);
      const isBest = (mask & bestMask) === bestMask;
      for (const { mask: wanted, without, beyond } of found) {
        const isRival = (mask & wanted) === wanted;
        if (isBest !== isRival) keepFirst(isBest ? without : beyond, population.hostAt(slot));
      }
    });
    return found.map(({ rival: { numbers, covered, affected }, without, beyond }) => {
      return { items: this.#items({ numbers }), covered, affected, without, beyond };
    });
  }

  /** The bits of hosts' values, and how many hosts have the same. */
  #masksOf(slots: readonly number[], bitOf: Int32Array): ReadonlyMap<number, number> {
    return tally(slots.map((slot) => this.#population.maskOf(slot, bitOf)));
  }

  /** How many hosts have all of these values, without those that are gone. */
  #count(numbers: readonly number[]): number {
    const [all = 0] = this.#population.countSets([numbers]);
    return all - this.#goneSlots.filter((slot) => this.#population.hasAll(slot, numbers)).length;
  }

  /** Calls `visit` with the slot of each host that is not gone. */
  #each(visit: (slot: number) => void): void {
    const population = this.#population;
    for (let slot = 0; slot < population.capacity; slot++) {
      if (this.#gone[slot] === 0 && population.hostAt(slot) !== '') visit(slot);
    }
  }

  #items({ numbers }: Pick<Candidate, 'numbers'>): readonly Item[] {
    return numbers.map((number) => this.#population.item(number)).sort(compareItems);
  }

  #compareNumbers(a: Candidate, b: Candidate): number {
    return compareSets(this.#items(a), this.#items(b));
  }

  /** Hosts of an explanation count no more: neither as affected nor as well. */
  #remove(numbers: readonly number[]): void {
    this.#each((slot) => {
      if (!this.#population.hasAll(slot, numbers)) return;
      this.#gone[slot] = 1;
      this.#goneSlots.push(slot);
      this.#size--;
      for (let place = 0; ; place++) {
        const value = this.#population.valueAt(slot, place);
        if (value < 0) break;
        this.#counts[value] = (this.#counts[value] as number) - 1;
      }
    });
    this.#rest = this.#rest.filter((slot) => this.#gone[slot] === 0);
  }
}

/** Keeps the first few ids. */
function keepFirst(ids: string[], id: string): void {
  const place = ids.findIndex((other) => id < other);
  if (place < 0 && ids.length === MOST_RIVALS) return;
  ids.splice(place < 0 ? ids.length : place, 0, id);
  ids.length = Math.min(ids.length, MOST_RIVALS);
}

/** The parts whose bits a mask has. */
function membersOf(mask: number, parts: readonly Candidate[]): readonly Candidate[] {
  return parts.filter((_, bit) => (mask & (1 << bit)) !== 0);
}
