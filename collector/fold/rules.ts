/**
 * What a fold goes by: the log's entries, the rules of a release, and where those end. Knows nothing of what is folded.
 */
import type { Epoch } from '@netfall/proto';
import type { FoldConfig } from './config.ts';
import type { Severity } from './model.ts';

/** Of this folder's rules. Any change that could give other rows from the same log is a new version. */
export const FOLD_VERSION = 5;

/** An entry of the log. Structurally the log's own `Stored`, which this module does not import. */
export interface FoldEntry {
  readonly sequence: number;
  readonly timeUs: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

/** What the drop catalog says of a signal, as far as the fold goes by it. */
export interface DropClass {
  /** Events a second on a host below which it is everyday; `never`: followed, and trouble at no rate. */
  readonly alarm: number | 'never';
  readonly severity: Severity;
}

/** What the fold goes by besides the log. */
export interface Rules {
  readonly version: number;
  readonly cell: string;
  readonly catalogDigest: string;
  readonly classify: (reason: string, fn: string) => DropClass;
  /** Of a counter that counts losses which no drop shows; undefined for all others. */
  readonly classifyCounter: (counter: string) => DropClass | undefined;
  /** What it goes by until the log's first epoch. */
  readonly initialConfig: FoldConfig;
  /** Checks an epoch's configuration and completes it, or null when this version cannot make sense of it. */
  readonly readConfig: (json: string) => FoldConfig | null;
}

/** Thrown by apply at an epoch that these rules cannot fold: nothing of the entry was applied. */
export class EpochBarrier extends Error {
  readonly epoch: Epoch;
  readonly sequence: number;
  constructor(epoch: Epoch, sequence: number) {
    super(
      `entry ${sequence} begins an epoch of fold version ${epoch.fold_version}, catalog ${epoch.catalog_digest.slice(0, 12)}: ` +
        'run a release that has them',
    );
    this.name = 'EpochBarrier';
    this.epoch = epoch;
    this.sequence = sequence;
  }
}

/** Whether these rules can fold what stands behind an epoch. */
export function canFold({ version, catalogDigest, readConfig }: Rules, epoch: Epoch): boolean {
  return (
    epoch.fold_version === version &&
    epoch.catalog_digest === catalogDigest &&
    readConfig(epoch.config) !== null
  );
}
