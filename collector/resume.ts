/**
 * From where a replica may go on. A checkpoint counts only if the log still holds the very entry that it ends with:
 * another identity, another entry at that place or a gap behind it means that this is not the log that was folded, and
 * the replica takes a peer's snapshot instead, or says that there is none.
 */
import type { Log, LogInfo } from '@netfall/log';
import { collectorSubject } from '@netfall/proto';
import { readEpoch } from './epoch.ts';
import { canFold, type Rows, type Rules } from './fold/fold.ts';
import { entryDigest } from './store/digest.ts';
import { listSnapshots, logDigest, readSnapshot } from './store/snapshot.ts';
import { type Checkpoint, type Loaded, Store } from './store/store.ts';

export interface Say {
  info(message: string): void;
  warn(message: string): void;
}

/** Turns rows of an older fold version into this one's, or null when they are too old for that. */
export type Migrate = (rows: Rows, from: number) => Rows | null;

export interface ResumeOptions {
  /** The replica's database. */
  readonly path: string;
  readonly log: Log;
  readonly rules: Rules;
  readonly migrate: Migrate;
  readonly say: Say;
  /** Where the epoch of these rules stands in the log; begins it there unless it is under way. */
  readonly takeOver: () => Promise<number>;
  /** Gives peers of the older version a moment to leave a snapshot in front of the epoch. */
  readonly awaitPeer: () => Promise<void>;
}

/** Leaves the database in a state from which the log can be read on. Throws an Error with the mend when there is none. */
export async function resume({ path, ...options }: ResumeOptions): Promise<void> {
  const { log, rules, say } = options;
  const store = new Store(path);
  try {
    // Its rows are the fold's to load, which takes seconds for a large fleet.
    const local = store.checkpoint();
    const info = await log.info();
    const doubt = local && (await whyNot(log, info, local));
    if (local && doubt === null) {
      if (local.foldVersion !== rules.version) {
        await upgrade(store, store.load() as Loaded, options);
      } else if (await standsAtBarrier(log, rules, local.sequence)) {
        // Others may have gone back to these rules meanwhile: only their state leads past those in between.
        const ours = ({ global }: Rows) => global.epoch?.catalog_digest === rules.catalogDigest;
        await adopt(store, local.sequence + 1, options, ours);
      }
      return;
    }
    if (doubt) say.warn(`cannot go on from the local checkpoint: ${doubt}; looking for a snapshot`);
    const snapshot = await adopt(store, 0, options);
    if (snapshot) {
      if (snapshot.checkpoint.foldVersion !== rules.version) await upgrade(store, snapshot, options);
      return;
    }
    if (info.first > 1) {
      throw new Error(
        `the log begins at entry ${info.first} and holds no usable snapshot: start another collector that has folded ` +
          'this log, or purge the log to begin anew',
      );
    }
    if (local) say.warn('there is no usable snapshot: folding the log from its beginning');
    store.clear();
  } finally {
    store.close();
  }
}

/** Why a checkpoint is not one of this log, or null when it is. */
async function whyNot(log: Log, info: LogInfo, checkpoint: Checkpoint): Promise<string | null> {
  const { identity, sequence } = checkpoint;
  if (identity !== info.identity) return `it is of another log (${identity}, this one is ${info.identity})`;
  if (sequence > info.last) return `it ends at entry ${sequence}, the log at ${info.last}`;
  if (sequence === 0) return info.first > 1 ? `the log begins at entry ${info.first}` : null;
  if (sequence < info.first) return `it ends at entry ${sequence}, the log begins at ${info.first}`;
  const entry = await log.get(sequence);
  if (!entry || entryDigest(entry) !== checkpoint.entryDigest)
    return `the log holds another entry ${sequence}`;
  return null;
}

/** Takes the newest usable snapshot that reaches `atLeast` and is `wanted`, as it is; null when there is none. */
async function adopt(
  store: Store,
  atLeast: number,
  { log, rules, migrate, say }: Pick<ResumeOptions, 'log' | 'rules' | 'migrate' | 'say'>,
  wanted: (rows: Rows) => boolean = () => true,
): Promise<Loaded | null> {
  const info = await log.info();
  const ours = logDigest(info.identity);
  for (const { name, sequence, foldVersion, log: of } of await listSnapshots(log.blobs)) {
    if (of !== ours || sequence < atLeast || foldVersion > rules.version) continue;
    try {
      const loaded = await readSnapshot(name, log.blobs);
      const doubt = loaded ? await whyNot(log, info, loaded.checkpoint) : 'it is gone';
      if (loaded && !wanted(loaded.rows)) continue;
      if (loaded && doubt === null && migrated(loaded, rules, migrate)) {
        store.replace(loaded.rows, loaded.checkpoint);
        say.info(`going on from snapshot ${name}`);
        return loaded;
      }
      say.warn(`snapshot ${name} cannot be used: ${doubt ?? `fold version ${foldVersion} is too old`}`);
    } catch (error) {
      say.warn(error instanceof Error ? error.message : String(error));
    }
  }
  return null;
}

/** How often peers are given a moment. */
const PEER_MOMENTS = 10;

/**
 * Goes over to this release's rules. They begin at an epoch; a peer of the older version folds up to it and leaves a
 * snapshot there, which those of the new one go on from. Where there is no such peer, this replica is the only one, and
 * its own place will do.
 */
async function upgrade(store: Store, state: Loaded, options: Omit<ResumeOptions, 'path'>): Promise<void> {
  const { rules, migrate, say, takeOver, awaitPeer } = options;
  const { sequence, foldVersion } = state.checkpoint;
  if (foldVersion > rules.version) {
    throw new Error(
      `the checkpoint is of fold version ${foldVersion}, this release folds version ${rules.version}: run the later release`,
    );
  }
  const epochAt = await takeOver();
  let from = epochAt === sequence + 1 ? state : null;
  for (let moment = 0; moment < PEER_MOMENTS && !from; moment++) {
    await awaitPeer();
    // One from before the epoch would leave entries in between to be folded by rules that are not theirs.
    from = await adopt(store, epochAt - 1, options);
  }
  if (!from) {
    say.warn(
      `no replica of fold version ${foldVersion} has reached the epoch: entries from ${sequence + 1} on are folded by version ${rules.version}`,
    );
  }
  const { rows, checkpoint } = from ?? state;
  if (checkpoint.foldVersion === rules.version) return;
  const fresh = migrate(rows, checkpoint.foldVersion);
  if (!fresh) {
    throw new Error(
      `the checkpoint's fold version ${foldVersion} is too old: upgrade by way of an earlier release`,
    );
  }
  store.replace(fresh, { ...checkpoint, foldVersion: rules.version });
  say.info(
    `migrated the state at entry ${checkpoint.sequence} from fold version ${checkpoint.foldVersion} to ${rules.version}`,
  );
}

function migrated({ rows, checkpoint }: Loaded, rules: Rules, migrate: Migrate): Rows | null {
  return checkpoint.foldVersion === rules.version ? rows : migrate(rows, checkpoint.foldVersion);
}

/** Whether the entry after `sequence` begins an epoch that these rules cannot fold. */
async function standsAtBarrier(log: Log, rules: Rules, sequence: number): Promise<boolean> {
  const next = await log.get(sequence + 1);
  const epoch = next?.subject === collectorSubject(rules.cell, 'epoch') ? readEpoch(next) : null;
  return epoch !== null && !canFold(rules, epoch);
}
