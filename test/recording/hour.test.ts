/** An hour that was recorded on a real kernel, folded again: which incidents are found, and how they are explained. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { cellOf, type EventLine, readEventLine } from '@netfall/proto';
import { beforeAll, describe, expect, it } from 'vitest';
import { EpochBarrier, Fold } from '../../collector/fold/fold.ts';
import type { Incident } from '../../collector/fold/model.ts';
import { currentRules } from '../../collector/rules.ts';
import { compare, type Result, type Truth } from './compare.ts';
import { hostAttributes } from './report.ts';

const file = (name: string) => readFileSync(join(import.meta.dirname, name));

function foldAll(entries: readonly EventLine[]): { readonly fold: Fold; readonly told: string[] } {
  const fold = new Fold(currentRules(cellOf(entries[0]?.subject ?? '') ?? 'default'));
  const told: string[] = [];
  for (const entry of entries) {
    try {
      fold.apply(entry);
    } catch (error) {
      // It was recorded under the rules of its day.
      if (!(error instanceof EpochBarrier)) throw error;
    }
    for (const { kind, incident } of fold.takeChanges().notifications) told.push(`${kind} ${incident.title}`);
  }
  return { fold, told };
}

describe('the recorded hour', () => {
  const truth: Truth = JSON.parse(file('hour.truth.json').toString());
  let incidents: Incident[];
  let told: string[];
  let result: Result;
  beforeAll(async () => {
    const lines = zstdDecompressSync(file('hour.ndjson.zst')).toString().trimEnd().split('\n');
    const entries = lines.map((line, i) => readEventLine(line, i + 1));
    const folded = foldAll(entries);
    expect(folded.fold.rows().global.rejected).toEqual({});
    incidents = [...folded.fold.incidents()];
    told = folded.told;
    result = compare(truth, incidents, await hostAttributes(entries));
  });

  it('has every fault found and explained, and nothing besides', () => {
    expect(result).toEqual({});
  });

  it('tells each of them once, and its end', () => {
    expect(told).toEqual([]);
  });
});
