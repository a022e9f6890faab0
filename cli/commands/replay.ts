/**
 * `netfall replay`: folds recorded log entries again and prints the incidents that result; with another configuration also
 * which pages that would have added, removed or moved.
 */
import { createReadStream } from 'node:fs';
import { CollectorConfig, currentRules, EpochBarrier, Fold, foldConfig, rulesWith } from '@netfall/collector';
import { cellOf, EventFormatError, type EventLine, readEvents } from '@netfall/proto';
import { incidentList } from '../api/incidents.ts';
import { loadConfig } from '../config/load.ts';
import { CommandError } from '../errors.ts';
import { changesOf, type Page, pageChanges } from '../replay/pages.ts';
import { print } from '../terminal/print.ts';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

export async function replay(file: string, { config: path, json }: Options): Promise<void> {
  const config = path === undefined ? null : foldConfig(loadConfig(path, CollectorConfig));
  let original: Replay | null = null;
  let changed: Replay | null = null;
  try {
    const chunks = file === '-' ? process.stdin.setEncoding('utf8') : createReadStream(file, 'utf8');
    for await (const entry of readEvents(chunks)) {
      const cell = cellOf(entry.subject) ?? 'default';
      original ??= new Replay(new Fold(currentRules(cell)));
      original.apply(entry);
      if (!config) continue;
      changed ??= new Replay(new Fold(rulesWith(cell, config)));
      changed.apply(entry);
    }
  } catch (error) {
    if (error instanceof EventFormatError) throw new CommandError(`${file}: ${error.message}`);
    if (error instanceof Error && 'syscall' in error && 'code' in error) {
      throw new CommandError(`${file} cannot be read (${error.code}): name a readable events.ndjson`);
    }
    throw error;
  }
  if (!original)
    throw new CommandError(`${file} holds no entries: name an events.ndjson with at least one line`);

  const { fold, passedOver } = changed ?? original;
  const { entries, rejected, now_us } = fold.rows().global;
  const incidents = [...fold.incidents()].filter(({ state }) => state !== 'candidate');
  const refused = Object.entries(rejected).map(([why, count]) => `${count} ${why}`);
  const pages = changed ? changesOf(original.pages, changed.pages) : null;
  const document = { entries, rejected, epochs_passed_over: passedOver, incidents, ...(pages && { pages }) };
  print(json, document, (paper) => [
    ...incidentList(incidents, now_us, paper),
    '',
    ...(pages ? [...pageChanges(pages, paper), ''] : []),
    `${entries} entries folded, ${refused.length > 0 ? refused.join(', ') : 'none'} rejected`,
    ...(passedOver > 0 ? [`${passedOver} epochs of other rules or catalogs passed over`] : []),
  ]);
}

/** A fold and the pages that it gives, which it does not keep for ever. */
class Replay {
  readonly fold: Fold;
  readonly pages: Page[] = [];
  passedOver = 0;

  constructor(fold: Fold) {
    this.fold = fold;
  }

  apply(entry: EventLine): void {
    try {
      this.fold.apply(entry);
    } catch (error) {
      // Where another release took over then, this one goes on by its own rules: that is what a replay is for.
      if (!(error instanceof EpochBarrier)) throw error;
      this.passedOver++;
    }
    for (const { kind, created_us, incident, deliveries } of this.fold.takeChanges().notifications) {
      // A delivery's outcome changes it as well.
      if (kind === 'resolved' || deliveries.some(({ state }) => state !== 'pending')) continue;
      const { fingerprint, title } = incident;
      this.pages.push({ at_us: created_us, kind, fingerprint, title });
    }
  }
}
