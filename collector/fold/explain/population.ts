/**
 * The hosts of the fleet and what they have, in numbers: the ground that explanations are counted on. Attributes are
 * dictionary-encoded; a host is a row of the numbers of its values. Derived from the host records, never stored; numbers are
 * this replica's own, so nothing that is told may depend on their order. Must not know what is wrong with a host.
 */

/** Attributes of a host that explanations look at: the first by key. */
const MOST_ATTRIBUTES = 32;
/** No value. */
const NONE = -1;
/** Sets of values whose hosts are counted once for a fleet that does not change. */
const MOST_COUNTED = 10_000;

export interface Item {
  readonly attribute: string;
  readonly value: string;
}

export class Population {
  readonly #slots = new Map<string, number>();
  readonly #hosts: string[] = [];
  readonly #freeSlots: number[] = [];
  #rows = new Int32Array(0);
  readonly #numbers = new Map<string, number>();
  readonly #items: Item[] = [];
  readonly #freeNumbers: number[] = [];
  #counts = new Int32Array(0);
  #shared = 0;
  #version = 0;
  /** How many hosts have all values of a set: fleets change less often than they are looked at. */
  readonly #counted = new Map<string, number>();
  #countedVersion = 0;

  /** Hosts. */
  get size(): number {
    return this.#slots.size;
  }

  /** Every slot is below it. */
  get capacity(): number {
    return this.#hosts.length;
  }

  /** Every value's number is below it. */
  get values(): number {
    return this.#items.length;
  }

  /** Values that two hosts have, at least: what an explanation may be made of. */
  get sharedValues(): number {
    return this.#shared;
  }

  /** Another one whenever a host comes, goes or has something else. */
  get version(): number {
    return this.#version;
  }

  /** Adds a host, or replaces what it has. */
  set(hostId: string, attributes: Readonly<Record<string, string>>): void {
    const known = this.#slots.get(hostId);
    const entries = Object.entries(attributes);
    if (entries.length > MOST_ATTRIBUTES) entries.sort(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length > MOST_ATTRIBUTES) entries.length = MOST_ATTRIBUTES;
    if (known !== undefined && this.#has(known, entries)) return;
    this.#version++;
    const slot = known ?? this.#freeSlots.pop() ?? this.#hosts.length;
    if (known !== undefined) this.#clear(slot);
    this.#slots.set(hostId, slot);
    this.#hosts[slot] = hostId;
    if (this.#rows.length < this.#hosts.length * MOST_ATTRIBUTES) {
      const grown = new Int32Array(Math.max(64, this.#hosts.length * 2) * MOST_ATTRIBUTES).fill(NONE);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    let at = slot * MOST_ATTRIBUTES;
    for (const [attribute, value] of entries) this.#rows[at++] = this.#take(attribute, value);
  }

  delete(hostId: string): void {
    const slot = this.#slots.get(hostId);
    if (slot === undefined) return;
    this.#version++;
    this.#clear(slot);
    this.#slots.delete(hostId);
    this.#hosts[slot] = '';
    this.#freeSlots.push(slot);
  }

  slotOf(hostId: string): number | undefined {
    return this.#slots.get(hostId);
  }

  /** The host in a slot; empty when none is. */
  hostAt(slot: number): string {
    return this.#hosts[slot] ?? '';
  }

  /** The number of the value at a place of a slot's row, or −1 where the row has ended. */
  valueAt(slot: number, place: number): number {
    return place < MOST_ATTRIBUTES ? (this.#rows[slot * MOST_ATTRIBUTES + place] as number) : NONE;
  }

  item(number: number): Item {
    return this.#items[number] as Item;
  }

  /** How many hosts have a value. */
  count(number: number): number {
    return this.#counts[number] as number;
  }

  /** Whether a host has all of these values. */
  hasAll(slot: number, numbers: readonly number[]): boolean {
    for (const number of numbers) if (!this.#hasValue(slot, number)) return false;
    return true;
  }

  #hasValue(slot: number, number: number): boolean {
    for (let place = 0; ; place++) {
      const value = this.valueAt(slot, place);
      if (value === number) return true;
      if (value === NONE) return false;
    }
  }

  /** Whether a host has all of these values, by name. */
  fits(hostId: string, items: readonly Item[]): boolean {
    const slot = this.#slots.get(hostId);
    const numbers = this.numbersOf(items);
    return slot !== undefined && numbers !== null && this.hasAll(slot, numbers);
  }

  /** The numbers of values; null where no host has one of them. */
  numbersOf(items: readonly Item[]): readonly number[] | null {
    const numbers = items.map(({ attribute, value }) => this.#numbers.get(keyOf(attribute, value)));
    const known = numbers.filter((number) => number !== undefined);
    return known.length === numbers.length ? known : null;
  }

  /** Whether a slot's row is of these values and no others. */
  #has(slot: number, entries: readonly (readonly [string, string])[]): boolean {
    if (this.valueAt(slot, entries.length) !== NONE) return false;
    return entries.every(([attribute, value], place) => {
      return this.valueAt(slot, place) === this.#numbers.get(keyOf(attribute, value));
    });
  }

  /** How many hosts have all values of each set. Sets are made of up to 31 values. */
  countSets(sets: readonly (readonly number[])[]): readonly number[] {
    if (this.#countedVersion !== this.#version || this.#counted.size > MOST_COUNTED) this.#counted.clear();
    this.#countedVersion = this.#version;
    const keys = sets.map((numbers) => numbers.toSorted((a, b) => a - b).join());
    const missing = new Map<string, readonly number[]>();
    for (const [i, key] of keys.entries()) {
      if (!this.#counted.has(key)) missing.set(key, sets[i] as readonly number[]);
    }
    if (missing.size > 0) {
      const counts = this.#countAll([...missing.values()]);
      for (const [i, key] of [...missing.keys()].entries()) this.#counted.set(key, counts[i] as number);
    }
    return keys.map((key) => this.#counted.get(key) as number);
  }

  /** The same in one pass over the fleet. */
  #countAll(sets: readonly (readonly number[])[]): readonly number[] {
    const bitOf = this.bitsOf(sets.flat());
    const masks = new Map<number, number>();
    for (let slot = 0; slot < this.#hosts.length; slot++) {
      const mask = this.maskOf(slot, bitOf);
      if (mask !== 0) masks.set(mask, (masks.get(mask) ?? 0) + 1);
    }
    return sets.map((numbers) => {
      const wanted = maskOfAll(numbers, bitOf);
      let hosts = 0;
      for (const [mask, count] of masks) if ((mask & wanted) === wanted) hosts += count;
      return hosts;
    });
  }

  /** A bit for each of up to 31 values, by its number; 0 for others. */
  bitsOf(numbers: readonly number[]): Int32Array {
    const bitOf = new Int32Array(this.values);
    for (const [i, number] of [...new Set(numbers)].entries()) bitOf[number] = 1 << i;
    return bitOf;
  }

  /** The bits of a slot's values. */
  maskOf(slot: number, bitOf: Int32Array): number {
    let mask = 0;
    for (let at = slot * MOST_ATTRIBUTES, end = at + MOST_ATTRIBUTES; at < end; at++) {
      const value = this.#rows[at] as number;
      if (value === NONE) break;
      mask |= bitOf[value] as number;
    }
    return mask;
  }

  #take(attribute: string, value: string): number {
    const key = keyOf(attribute, value);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#freeNumbers.pop() ?? this.#items.length;
      this.#numbers.set(key, number);
      this.#items[number] = { attribute, value };
      if (this.#counts.length <= number) {
        const grown = new Int32Array(Math.max(256, number * 2));
        grown.set(this.#counts);
        this.#counts = grown;
      }
    }
    const hosts = (this.#counts[number] as number) + 1;
    this.#counts[number] = hosts;
    if (hosts === 2) this.#shared++;
    return number;
  }

  #clear(slot: number): void {
    const begin = slot * MOST_ATTRIBUTES;
    for (let at = begin; at < begin + MOST_ATTRIBUTES; at++) {
      const number = this.#rows[at] as number;
      if (number === NONE) return;
      this.#rows[at] = NONE;
      const left = (this.#counts[number] as number) - 1;
      this.#counts[number] = left;
      if (left === 1) this.#shared--;
      if (left > 0) continue;
      const { attribute, value } = this.item(number);
      this.#numbers.delete(keyOf(attribute, value));
      this.#freeNumbers.push(number);
    }
  }
}

/** The bits of some values. */
export function maskOfAll(numbers: readonly number[], bitOf: Int32Array): number {
  return numbers.reduce((mask, number) => mask | (bitOf[number] as number), 0);
}

function keyOf(attribute: string, value: string): string {
  return `${attribute}=${value}`;
}
