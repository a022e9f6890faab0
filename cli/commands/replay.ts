/** `netfall replay`: folds recorded log entries again and prints the incidents that result. */
import { createReadStream } from 'node:fs';
import { currentRules, EpochBarrier, Fold } from '@netfall/collector';
import { cellOf, EventFormatError, readEvents } from '@netfall/proto';
import { incidentList } from '../api/incidents.ts';
import { CommandError } from '../errors.ts';
import { print } from '../terminal/print.ts';

export async function replay(file: string, { json }: { readonly json?: boolean }): Promise<void> {
  const chunks = createReadStream(file, 'utf8');
  let fold: Fold | null = null;
  let passedOver = 0;
  try {
    for await (const entry of readEvents(chunks)) {
      fold ??= new Fold(currentRules(cellOf(entry.subject) ?? 'default'));
      try {
        fold.apply(entry);
      } catch (error) {
        // Where another release took over then, this one goes on by its own rules: that is what a replay is for.
        if (!(error instanceof EpochBarrier)) throw error;
        passedOver++;
      }
    }
  } catch (error) {
    if (error instanceof EventFormatError) throw new CommandError(`${file}: ${error.message}`);
    if (error instanceof Error && 'syscall' in error && 'code' in error) {
      throw new CommandError(`${file} cannot be read (${error.code}): name a readable events.ndjson`);
    }
    throw error;
  }
  if (!fold) throw new CommandError(`${file} holds no entries: name an events.ndjson with at least one line`);

  const { entries, rejected, now_us } = fold.rows().global;
  const incidents = [...fold.incidents()];
  const refused = Object.entries(rejected).map(([why, count]) => `${count} ${why}`);
  print(json, { entries, rejected, epochs_passed_over: passedOver, incidents }, (paper) => [
    ...incidentList(incidents, now_us, paper),
    '',
    `${entries} entries folded, ${refused.length > 0 ? refused.join(', ') : 'none'} rejected`,
    ...(passedOver > 0 ? [`${passedOver} epochs of other rules or catalogs passed over`] : []),
  ]);
}
