/** What the fuzzer puts its inputs through. A target is a file in targets/, which exports what {@link TargetModule} has. */

export interface TargetModule {
  /** Well-formed inputs, which are mutated. */
  corpus(): Uint8Array[];
  /** @param input where every input will lie, from its first byte on; 4-byte aligned. */
  open(input: Uint8Array): Target;
}

export interface Target {
  /**
   * Reads the input `[0, length)`, and throws at everything that must not be. Errors that are documented are caught here.
   * @returns a digest of what was read: the same for the same input, whatever lies behind it.
   */
  run(length: number): number;
  /** Compares sums, every few hundred runs and at the end. Throws when they differ. */
  settle?(): void;
  /** What is held, each with the most that it may be. */
  bounds(): Bound[];
  /** What became of the inputs, for people. */
  counts(): Record<string, number>;
  close?(): void;
}

export interface Bound {
  readonly name: string;
  readonly value: number;
  readonly most: number;
}

/** Throws a finding: that what must hold of every input does not. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** Adds a number to a digest. */
export function digest(sum: number, value: number): number {
  return Math.imul(sum ^ value, 0x0100_0193) >>> 0;
}
