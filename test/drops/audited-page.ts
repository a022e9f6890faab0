/** Holds audits of scenarios against what they are to say, and against docs/audit.md. For suites. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AuditOutcome } from './audit.ts';
import { faultsOf, withTable } from './audited.ts';

const PAGE = join(import.meta.dirname, '../../docs/audit.md');

/** @param lines what audit.ts printed. With UPDATE=1 the page's table of this kernel is written anew. */
export function expectAudited(lines: string): void {
  const outcomes = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditOutcome);
  const made = outcomes.filter(({ skipped }) => skipped === undefined);
  expect(made.length).toBeGreaterThanOrEqual(12);
  for (const outcome of made) {
    const { scenario, lost, audit } = outcome;
    const faults = faultsOf(outcome);
    expect({ scenario, lost: lost > 0, faults, audit: faults.length > 0 ? audit : {} }).toEqual({
      scenario,
      lost: true,
      faults: [],
      audit: {},
    });
  }
  const [, kernel = ''] = /^(\d+\.\d+)/.exec(outcomes[0]?.kernel ?? '') ?? [];
  const page = readFileSync(PAGE, 'utf8');
  const written = withTable(page, kernel, outcomes);
  if (process.env['UPDATE'] === '1') writeFileSync(PAGE, written);
  else expect(page).toBe(written);
}
