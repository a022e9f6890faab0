/**
 * Folds a recording's log and tells what was found of its faults: DIR/report.json and DIR/report.md.
 *
 *   node test/recording/report.ts DIR
 */
import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cellOf, decodeEntry, type EventLine, readEvents } from '@netfall/proto';
import { attributesOf } from '../../collector/fold/attributes.ts';
import type { Incident } from '../../collector/fold/model.ts';
import { run } from '../processes/netfall.ts';
import { compare, type FaultResult, type Other, type Result, type Truth } from './compare.ts';

export interface Report extends Result {
  readonly seed: number;
  readonly minutes: number;
  readonly hosts: number;
  readonly entries: number;
  /** Incidents, by id, of which the replay does not say what the collector said while it was recorded. */
  readonly toldOtherwise: readonly string[];
}

/** Reads events.ndjson, truth.json and live.json of a recording. */
export async function report(dir: string): Promise<Report> {
  const truth: Truth = JSON.parse(readFileSync(join(dir, 'truth.json'), 'utf8'));
  const events = join(dir, 'events.ndjson');
  const replay = await run('replay', events, '--json');
  if (replay.code !== 0) throw new Error(`netfall replay ended with ${replay.code}: ${replay.stderr}`);
  writeFileSync(join(dir, 'incidents.json'), replay.stdout);
  const { entries, incidents } = JSON.parse(replay.stdout) as { entries: number; incidents: Incident[] };
  const attributes = await hostAttributes(readEvents(createReadStream(events, 'utf8')));
  const { seed, minutes, hosts } = truth;
  const live = JSON.parse(readFileSync(join(dir, 'live.json'), 'utf8')) as { incidents: Incident[] };
  const made: Report = {
    ...{ seed, minutes, hosts, entries },
    ...compare(truth, incidents, attributes),
    toldOtherwise: live.incidents
      .filter((told) => {
        const again = incidents.find(({ id }) => id === told.id);
        return again?.title !== told.title || again.detected_us !== told.detected_us;
      })
      .map(({ id }) => id),
  };
  writeFileSync(join(dir, 'report.json'), `${JSON.stringify(made, null, 1)}\n`);
  writeFileSync(join(dir, 'report.md'), written(made));
  return made;
}

/** What hosts have in common with others, by their ids, as their inventories say. */
export async function hostAttributes(
  entries: AsyncIterable<EventLine> | Iterable<EventLine>,
): Promise<Map<string, Readonly<Record<string, string>>>> {
  const found = new Map<string, Readonly<Record<string, string>>>();
  for await (const { subject, data } of entries) {
    const host = subject.split('.')[3];
    if (cellOf(subject) === undefined || host === undefined) continue;
    for (const { inventory } of decodeEntry(data).envelope?.items ?? []) {
      if (inventory) found.set(host, attributesOf(inventory));
    }
  }
  return found;
}

/** In Markdown, for people. */
function written({ seed, minutes, hosts, entries, faults, others, toldOtherwise }: Report): string {
  const lines = [
    `${hosts} hosts, ${minutes} minutes, seed ${seed}: ${entries} entries.`,
    '',
    '| fault | on | found after | said | hosts | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...faults.map(row),
    '',
    others.length === 0 ? 'Nothing else was found.' : 'Found besides:',
    '',
    ...others.map(otherLine),
    ...(toldOtherwise.length > 0
      ? ['', `Told otherwise while it was recorded: ${toldOtherwise.join(', ')}.`]
      : []),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function row(fault: FaultResult): string {
  const { name, cause, foundAfterMs, explained, explanation, covered, beyond, joined, incident } = fault;
  const after = foundAfterMs === null ? 'never' : `${(foundAfterMs / 1000).toFixed(1)} s`;
  const said = {
    exact: 'exactly that',
    equivalent: explanation,
    other: `**${explanation}**`,
    none: '**nothing**',
  };
  const notes = [
    ...(joined ? [`as part of ${incident}`] : []),
    ...(fault.announced ? [fault.change ? 'names the announced change' : 'misses the announced change'] : []),
  ];
  const count = `${covered} of ${fault.hosts}${beyond > 0 ? `, ${beyond} others` : ''}`;
  return `| ${fault.id} ${name} | ${cause} | ${after} | ${said[explained]} | ${count} | ${notes.join('; ')} |`;
}

function otherLine({ id, title, atMs, during, consequenceOf }: Other): string {
  const when = `${Math.floor(atMs / 60_000)}:${String(Math.floor(atMs / 1000) % 60).padStart(2, '0')}`;
  const of = consequenceOf
    ? `a consequence of ${consequenceOf}`
    : during.length > 0
      ? `with ${during.join(', ')}`
      : '**false**';
  return `- ${when} ${id}: ${title} (${of})`;
}

if (import.meta.main) process.stdout.write(written(await report(process.argv[2] ?? '.')));
