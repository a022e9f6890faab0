import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { makeSharedFolder } from './shared-folder.ts';

let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'netfall-shared-'));
  vi.stubEnv('TMPDIR', temporary);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(temporary, { recursive: true });
});

/** A process that makes a folder and goes on, until it is killed. */
async function maker() {
  const script = `
    import { makeSharedFolder } from ${JSON.stringify(import.meta.resolve('./shared-folder.ts'))};
    console.log(await makeSharedFolder());
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [folder] = await once(child.stdout, 'data');
  return { child, folder: String(folder).trim() };
}

it('removes those of processes that were killed, and of nobody else', async () => {
  const { child, folder } = await maker();
  mkdirSync(join(folder, '1'));
  const others = ['netfall-vm-AbCdEf', 'netfall-vm-killed-1', 'netfall-vm-', 'x-netfall-vm-1-abc'];
  for (const name of others) mkdirSync(join(temporary, name));
  const first = await makeSharedFolder();
  expect(existsSync(folder)).toBe(true);
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  const second = await makeSharedFolder();
  expect(readdirSync(temporary).sort()).toEqual([...others, basename(first), basename(second)].sort());
});
