import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LIMITS } from './check.ts';
import { MAX_ENTRY_BYTES } from './codec.ts';
import type { Namespace } from './descriptor.ts';
import { readEvents, writeEventLine } from './json.ts';

const page = readFileSync(new URL('../docs/entries.md', import.meta.url), 'utf8');
const descriptor = JSON.parse(readFileSync(new URL('./gen/descriptor.json', import.meta.url), 'utf8'));
const { nested }: Namespace = descriptor.nested.netfall.nested.v1;

describe('docs/entries.md', () => {
  test('names every field', () => {
    const named = new Set(page.match(/[a-z][a-z0-9_]*/g));
    const fields = Object.values(nested).flatMap((type) =>
      'fields' in type ? Object.keys(type.fields) : [],
    );
    expect(fields.length).toBeGreaterThan(60);
    expect(fields.filter((field) => !named.has(field))).toEqual([]);
  });

  test('states the limits in force', () => {
    const { items, losses, drops, counters, sources, nics, addresses, labels, holes, string, config } =
      LIMITS;
    for (const [what, limit] of Object.entries({ items, losses, sources, nics, labels, holes })) {
      expect(page).toMatch(new RegExp(`^\\| \`${what}\` \\| up to ${limit}[ ,:]`, 'm'));
    }
    expect(page).toContain(`up to ${addresses} global addresses`);
    expect(page).toContain(`up to ${drops} kinds`);
    expect(page).toContain(`\`counters\`, up to ${counters}:`);
    const { alternates, frames, modules, moduleName } = LIMITS;
    expect(page).toMatch(new RegExp(`^\\| \`alternates\` \\| up to ${alternates} `, 'm'));
    expect(page).toMatch(new RegExp(`^\\| \`frames\` \\| up to ${frames}, `, 'm'));
    expect(page).toMatch(
      new RegExp(`^\\| \`modules\` \\| up to ${modules} names of at most ${moduleName} characters`, 'm'),
    );
    const { changeAttributes, changeHosts, matchers, comment } = LIMITS;
    expect(page).toMatch(new RegExp(`^\\| \`attributes\` \\| up to ${changeAttributes}[ ,:]`, 'm'));
    expect(page).toMatch(new RegExp(`^\\| \`hosts\` \\| up to ${changeHosts} `, 'm'));
    expect(page).toContain(`\`matchers\` (1 to ${matchers},`);
    expect(page.split(`up to ${comment} characters`)).toHaveLength(3);
    expect(page).toContain(`at most ${string} characters`);
    expect(page).toContain(`up to ${config.toLocaleString('en').replace(',', ' ')} characters`);
    expect(page).toContain(`at most ${MAX_ENTRY_BYTES / 1024} KiB`);
  });

  test('its example is one', async () => {
    const [, example = ''] = /^```json\n(.*?)^```$/ms.exec(page) ?? [];
    async function* chunks() {
      yield example;
    }
    const lines: string[] = [];
    for await (const event of readEvents(chunks())) lines.push(`${writeEventLine(event)}\n`);
    expect(lines).toHaveLength(3);
    expect(lines.join('')).toBe(example);
  });
});
