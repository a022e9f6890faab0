import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TARGETS } from './targets.ts';

function run(...options: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'run.ts'), ...options],
    {
      encoding: 'utf8',
    },
  );
  return { status, lines: stdout.trimEnd().split('\n'), stderr };
}

describe('npm run fuzz', () => {
  it('prints figures, and a last line for programs', () => {
    const { status, lines, stderr } = run('symbols', '--runs=1000', '--seed=7', '--json');
    expect([status, stderr]).toEqual([0, '']);
    expect(lines[0]).toBe('seed 7');
    expect(lines[1]).toMatch(/^symbols: 1000 runs in \d+\.\d s, \d+ a second; nothing found$/);
    const { fuzz } = JSON.parse(lines.at(-1)!) as { fuzz: object[] };
    expect(fuzz).toMatchObject([
      { target: 'symbols', seed: 7, runs: 1000, counts: { 'symbols read': expect.any(Number) } },
    ]);
  });

  it.each([
    [['nothing'], `netfall: there is no target nothing: give ${[...TARGETS.keys()].join(', ')}\n`],
    [['symbols', '--runs=0'], 'netfall: --runs=0 is no number from 1 to 4294967295\n'],
    [['--input=/dev/null'], 'netfall: --input goes with one target: name it\n'],
  ])('does not take %j', (options, message) => {
    const { status, stderr } = run(...options);
    expect([status, stderr]).toEqual([2, message]);
  });
});
