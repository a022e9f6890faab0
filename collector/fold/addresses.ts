/**
 * Which hosts have an address, by their inventories: derived from the hosts' records, never stored. Must not know what
 * addresses are looked up for.
 */

/** An address that more hosts have (every host's own docker0) tells none of them from the others. */
const MOST_HOLDERS = 16;

export class Addresses {
  /** A host's id where it is the only one, as nearly everywhere. */
  readonly #holders = new Map<string, string | Set<string>>();

  /** A host has other addresses than before. */
  replace(hostId: string, before: readonly string[], after: readonly string[]): void {
    for (const address of before) if (!after.includes(address)) this.#remove(address, hostId);
    for (const address of after) if (!before.includes(address)) this.#add(address, hostId);
  }

  /** The hosts that have an address, by id; none also when they are too many to tell anything. */
  holders(address: string): readonly string[] {
    // How a socket for both families shows an IPv4 address.
    const held = this.#holders.get(address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, ''));
    if (held === undefined) return [];
    if (typeof held === 'string') return [held];
    return held.size > MOST_HOLDERS ? [] : [...held].sort();
  }

  #add(address: string, hostId: string): void {
    const held = this.#holders.get(address);
    if (held === undefined) this.#holders.set(address, hostId);
    else if (typeof held !== 'string') held.add(hostId);
    else if (held !== hostId) this.#holders.set(address, new Set([held, hostId]));
  }

  #remove(address: string, hostId: string): void {
    const held = this.#holders.get(address);
    if (held === hostId) this.#holders.delete(address);
    if (typeof held !== 'object') return;
    held.delete(hostId);
    const [only] = held;
    if (held.size === 1 && only !== undefined) this.#holders.set(address, only);
  }
}
