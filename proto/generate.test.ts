import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const outputs = ['netfall.js', 'netfall.d.ts', 'types.ts', 'descriptor.json'] as const;
const stale = (name: string) => `proto/gen/${name} is stale: run "npm run generate" and commit the result\n`;

describe('generate.ts', () => {
  // A copy of the package that a test may break.
  const tree = mkdtempSync(join(tmpdir(), 'netfall-generate-'));
  const copy = join(tree, 'proto');

  beforeAll(() => {
    cpSync(import.meta.dirname, copy, { recursive: true });
    symlinkSync(join(import.meta.dirname, '../node_modules'), join(tree, 'node_modules'));
  });
  afterAll(() => rmSync(tree, { recursive: true }));

  function check() {
    const { status, stderr } = spawnSync(process.execPath, [join(copy, 'generate.ts'), '--check'], {
      encoding: 'utf8',
    });
    return { status, stderr };
  }

  test('--check passes on what is committed', () => {
    expect(check()).toEqual({ status: 0, stderr: '' });
  });

  test('--check names what was changed by hand, and leaves it as it is', () => {
    const path = join(copy, 'gen/types.ts');
    const before = readFileSync(path, 'utf8');
    const changed = before.replace('lease_us', 'lease_s');
    expect(changed).not.toBe(before);
    writeFileSync(path, changed);
    expect(check()).toEqual({ status: 1, stderr: stale('types.ts') });
    expect(readFileSync(path, 'utf8')).toBe(changed);
    writeFileSync(path, before);
  });

  test('--check fails after a change of the .proto file, until it is generated anew', () => {
    const path = join(copy, 'netfall/v1/entry.proto');
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, before.replace('string reason = 1;', 'string reason = 1;\n  uint32 signal = 2;'));
    const { status, stderr } = check();
    expect(status).toBe(1);
    expect(stderr).toBe(['netfall.js', 'types.ts', 'descriptor.json'].map(stale).join(''));

    execFileSync(process.execPath, [join(copy, 'generate.ts')]);
    expect(check()).toEqual({ status: 0, stderr: '' });
    expect(readFileSync(join(copy, 'gen/types.ts'), 'utf8')).toContain(
      'export interface Goodbye {\n  reason: string;\n  signal: number;\n}\n',
    );

    writeFileSync(path, before);
    execFileSync(process.execPath, [join(copy, 'generate.ts')]);
    for (const name of outputs) {
      const committed = readFileSync(join(import.meta.dirname, 'gen', name), 'utf8');
      expect(readFileSync(join(copy, 'gen', name), 'utf8')).toBe(committed);
    }
  });
});
