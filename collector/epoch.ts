/**
 * Epochs as collectors begin them: what a release folds by, and the one append that lets it take over. A change of the
 * catalog is a new fold version too (rules.test.ts), so versions alone tell which release is the later one.
 */
import { createHash } from 'node:crypto';
import { type Log, LogError, type Stored } from '@netfall/log';
import { collectorMessageId, collectorSubject, decodeEntry, type Epoch, encodeEntry } from '@netfall/proto';
import { canonicalJson, type FoldConfig } from './fold/config.ts';
import type { Rules } from './fold/fold.ts';

/** The epoch of a release and its configuration. */
export function epochOf(rules: Rules, config: FoldConfig): Epoch {
  const json = canonicalJson(config);
  return {
    fold_version: rules.version,
    config_digest: createHash('sha256').update(json).digest('hex'),
    catalog_digest: rules.catalogDigest,
    config: json,
  };
}

/** The epoch that an entry begins, or null: anybody may have written anything there. */
export function readEpoch({ data }: Stored): Epoch | null {
  try {
    return decodeEntry(data).epoch ?? null;
  } catch {
    return null;
  }
}

/**
 * Where the newest epoch of this one's fold version stands; begins it there unless it is under way. Throws an Error when
 * a later one is. `run` names the run of the replica, for the message's id.
 */
export async function takeOver(log: Log, cell: string, epoch: Epoch, run: string): Promise<number> {
  const subject = collectorSubject(cell, 'epoch');
  for (let serial = 0; ; serial++) {
    const last = await log.lastOn(subject);
    const version = (last && readEpoch(last)?.fold_version) ?? 0;
    if (last && version === epoch.fold_version) return last.sequence;
    if (version > epoch.fold_version) {
      throw new Error(
        `the log is folded by version ${version} since entry ${last?.sequence}, this release folds version ` +
          `${epoch.fold_version}: run the later release`,
      );
    }
    try {
      const id = collectorMessageId(`${run}-takeover`, 'epoch', serial);
      const expectLastOnSubject = last?.sequence ?? 0;
      const { sequence } = await log.append({
        subject,
        id,
        data: encodeEntry({ epoch }),
        expectLastOnSubject,
      });
      return sequence;
    } catch (error) {
      // Another replica came first: look at what it began.
      if (!(error instanceof LogError && error.code === 'conflict')) throw error;
    }
  }
}
