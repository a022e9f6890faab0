import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { crashTypes } from './types.ts';

it('are all told of in the docs, as they are', () => {
  const page = readFileSync(new URL('../../docs/crash-reports.md', import.meta.url), 'utf8');
  const told = [...page.matchAll(/^\| `([a-z-]+)` \| ([^|]+) \| (yes|no) \|$/gm)];
  expect(told.map(([, name, title, survived]) => [name, title, survived === 'yes'])).toEqual(
    Object.entries(crashTypes).map(([name, { title, survived }]) => [name, title, survived]),
  );
});
