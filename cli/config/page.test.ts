import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AgentConfig } from '@netfall/agent';
import { CollectorConfig } from '@netfall/collector';
import { expect, it } from 'vitest';
import { loadConfig } from './load.ts';
import { configurationPage, pagePath } from './page.ts';
import { UpConfig } from './up.ts';

const examples = join(import.meta.dirname, '../../deploy/examples');

it('docs/configuration.md is what the schemas say: run "npm run generate" when this fails', () => {
  expect(readFileSync(pagePath, 'utf8')).toBe(configurationPage());
});

it.each([
  ['agent.yaml', AgentConfig, { labels: { rack: 'r12' }, report: { interval_s: 10, max_drops: 512 } }],
  ['collector.yaml', CollectorConfig, { detect: { learn_s: 600 }, notify: [{ name: 'ops' }] }],
  ['up.yaml', UpConfig, { detect: { floor_per_s: 20 }, agent: { labels: { rack: 'desk' } } }],
  [
    'relay.yaml',
    UpConfig,
    { agent: { sources: { netoops: { enabled: true }, netconsole: { enabled: true } } } },
  ],
] as const)('the example %s is right', (name, schema, expected) => {
  expect(loadConfig(join(examples, name), schema)).toMatchObject(expected);
});

it('the examples name the defaults that they speak of', () => {
  const { detect } = loadConfig(join(examples, 'collector.yaml'), CollectorConfig);
  expect(detect).toEqual({ floor_per_s: 1, factor: 4, sustain_ms: 3000, quiet_ms: 30_000, learn_s: 600 });
});
