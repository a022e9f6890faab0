/** What a command loads stays in memory: an agent shares its host with what the host is for. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** Prints the address of every module that importing `argv[1]` loads. */
const list = `
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    console.log(url);
    return next(url, context);
  },
});
await import(process.argv[1]);
`;

function loadedBy(command: string): string[] {
  const path = join(import.meta.dirname, `${command}.ts`);
  const args = ['--input-type=module', '--eval', list, path];
  return execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n');
}

const collector = /\/collector\/|\/fastify\/|\/prom-client\//;
const log = /\/log\/|\/@nats-io\/|node:sqlite/;
const schemas = /\/typebox\/|\/yaml\//;

it.each([
  ['agent', [collector]],
  ['drops', [collector, log, schemas]],
  ['hosts', [collector, log, schemas]],
  ['incidents', [collector, log, schemas]],
  ['decisions', [collector, log, schemas]],
  ['silences', [collector, log, schemas]],
  ['changes', [collector, log, schemas]],
  ['crashes', [collector, log, schemas]],
  ['crash', [collector, log, schemas]],
])('netfall %s loads nothing of what it does not need', (command, unwanted) => {
  const loaded = loadedBy(command);
  expect(loaded.some((url) => url.endsWith(`/commands/${command}.ts`))).toBe(true);
  for (const pattern of unwanted) expect(loaded.filter((url) => pattern.test(url))).toEqual([]);
});

it('netfall up does load them', () => {
  const loaded = loadedBy('up');
  for (const pattern of [collector, log, schemas]) expect(loaded.some((url) => pattern.test(url))).toBe(true);
});
